import Glibc

/// The signals that a program's main thread waits for, blocked in all its threads.
package struct StopSignals {
  /// What came.
  package enum Event {
    /// SIGINT or SIGTERM; SIGHUP when the terminal is gone that the program was started from.
    case stop
    /// SIGUSR1.
    case report
    /// SIGHUP, and no terminal has gone.
    case hangUp
    /// Nothing within the time.
    case timeout
  }

  private var set = sigset_t()
  private let terminal: StartTerminal

  /// Blocks the signals in the calling thread and those it starts from now on.
  package init() {
    terminal = StartTerminal()
    unsafe sigemptyset(&set)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] { unsafe sigaddset(&set, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    // A peer that closes its connection while we write to it is no reason to die.
    Glibc.signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next one, `milliseconds` at most (and a little longer to find out what SIGHUP
  /// means).
  package mutating func next(milliseconds: Int) -> Event {
    switch signal(within: milliseconds) {
    case SIGUSR1: return .report
    case SIGHUP: return hangUp()
    case nil: return .timeout
    default: return .stop
    }
  }

  /// A shell that ends sends SIGHUP a moment before its terminal goes.
  private mutating func hangUp() -> Event {
    guard terminal.mayGo else { return .hangUp }
    if !terminal.isGone, let other = signal(within: StartTerminal.graceMilliseconds) {
      switch other {
      case SIGHUP: break
      case SIGUSR1: return .report
      default: return .stop
      }
    }
    return terminal.isGone ? .stop : .hangUp
  }

  /// The number of the next signal; nil when none comes within the time.
  private mutating func signal(within milliseconds: Int) -> Int32? {
    var limit = timespec(
      tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
    while true {
      let number = unsafe sigtimedwait(&set, nil, &limit)
      if number > 0 { return number }
      if errno == EAGAIN { return nil }
    }
  }
}

/// The terminal that a process was started from, if any: whether SIGHUP tells of its end. A service
/// has none, and who used `nohup` wants to outlive it.
package struct StartTerminal: Sendable {
  /// How long after SIGHUP the terminal may still be there.
  package static let graceMilliseconds = 1_000

  /// Whether its end is to end the process.
  package let mayGo: Bool

  /// To be made at the start.
  package init() {
    var action = sigaction()
    let isKnown = unsafe sigaction(SIGHUP, nil, &action) == 0
    let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    let ignored = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
    mayGo = isKnown && handler != ignored && Self.isThere
  }

  /// Whether there was one, and it is not there any more.
  package var isGone: Bool { mayGo && !Self.isThere }

  private static var isThere: Bool {
    let descriptor = unsafe open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }
}
