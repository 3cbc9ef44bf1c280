import Glibc

/// The signals that a program's main thread waits for, blocked in all its threads.
package struct StopSignals {
  /// What came.
  package enum Event {
    /// SIGINT, SIGTERM or SIGHUP.
    case stop
    /// SIGUSR1.
    case report
    /// Nothing within the time.
    case timeout
  }

  private var set = sigset_t()

  /// Blocks the signals in the calling thread and those it starts from now on.
  package init() {
    unsafe sigemptyset(&set)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] { unsafe sigaddset(&set, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    // A peer that closes its connection while we write to it is no reason to die.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next one; `seconds` 0 waits without limit.
  package mutating func next(seconds: Int) -> Event {
    var limit = timespec(tv_sec: seconds, tv_nsec: 0)
    while true {
      let number =
        seconds == 0 ? unsafe sigwaitinfo(&set, nil) : unsafe sigtimedwait(&set, nil, &limit)
      switch number {
      case SIGUSR1: return .report
      case -1: if errno == EAGAIN { return .timeout }
      default: return .stop
      }
    }
  }
}
