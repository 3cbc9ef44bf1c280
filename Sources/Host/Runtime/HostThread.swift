import Glibc

/// A thread of the operating system that runs one closure. Started and joined by its owner.
package final class HostThread: @unchecked Sendable {
  // @unchecked: `thread` is written before the thread runs and read by the owner alone.
  private let body: @Sendable () -> Void
  private var thread = pthread_t()

  /// Starts the thread. Traps when the system has none left: at start-up that is fatal anyway.
  package init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    let status = start()
    precondition(status == 0, "cannot start a thread: error \(status)")
  }

  /// Starts the thread; nil when the system has none left, and then `status` is the errno.
  package init?(status: inout Int32, _ body: @escaping @Sendable () -> Void) {
    self.body = body
    status = start()
    guard status == 0 else { return nil }
  }

  private func start() -> Int32 {
    let context = unsafe Unmanaged.passRetained(self)
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<HostThread>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context.toOpaque())
    if status != 0 { unsafe context.release() }
    return status
  }

  /// Waits for the closure's end; once.
  package func join() { pthread_join(thread, nil) }
}
