import Glibc

/// A thread's handle, to be given to another thread.
@safe struct ThreadHandle: @unchecked Sendable {
  // @unchecked: a pthread_t is a name, and pthread_kill takes it on any thread.
  let value: pthread_t

  init(_ value: pthread_t) { self.value = value }
}

/// A second thread that runs one piece of code.
@safe final class OtherThread {
  private let body: () -> Void
  private var thread = pthread_t()
  private(set) var isStarted = false

  init(_ body: @escaping () -> Void) throws { self.body = body }

  func start() {
    isStarted = true
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<OtherThread>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, context)
    precondition(status == 0, "pthread_create: \(status)")
  }

  func join() { pthread_join(thread, nil) }
}
