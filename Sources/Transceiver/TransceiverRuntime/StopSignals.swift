import Glibc

/// SIGTERM and SIGINT as an ordinary event: blocked in every thread, taken by one that waits.
struct StopSignals {
  private let set: sigset_t

  /// Blocks both signals for this thread and for those that it starts later.
  init() {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGTERM)
    unsafe sigaddset(&set, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    self.set = set
    // A peer that closes its connection while we write to it is no reason to die.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Starts a thread that waits for the first of them and calls `body` once.
  func onStop(_ body: @escaping @Sendable () -> Void) -> Waiter {
    let waiter = Waiter(set: set, body: body)
    waiter.start()
    return waiter
  }

  /// The waiting thread.
  final class Waiter: @unchecked Sendable {
    // @unchecked: `thread` is written before the thread runs and read after.
    private let set: sigset_t
    private let body: @Sendable () -> Void
    private var thread = pthread_t()

    init(set: sigset_t, body: @escaping @Sendable () -> Void) {
      self.set = set
      self.body = body
    }

    func start() {
      let status = unsafe pthread_create(
        &thread, nil,
        { context in
          guard let context = unsafe context else { return nil }
          unsafe Unmanaged<Waiter>.fromOpaque(context).takeRetainedValue().wait()
          return nil
        }, Unmanaged.passRetained(self).toOpaque())
      precondition(status == 0, "cannot start the signal thread: error \(status)")
    }

    private func wait() {
      var set = set
      var number: Int32 = 0
      while unsafe sigwait(&set, &number) != 0 {}
      body()
    }

    func join() { pthread_join(thread, nil) }
  }
}
