import CWeb
import Runtime

/// The C client of a `PeerHub` and the thread that runs it.
@safe final class PeerThread: @unchecked Sendable {
  // @unchecked: waking and stopping are made for any thread; the core is the running thread's.
  private let core: PeerCore
  private let client: OpaquePointer
  private var thread: HostThread?

  init(_ core: PeerCore) throws(TransceiverFailure) {
    self.core = core
    var error = ws_error()
    var options = unsafe core.options
    guard let client = unsafe ws_client_create(&options, &error) else {
      throw TransceiverFailure(description: "no way to the other transceivers: \(error.sentence)")
    }
    unsafe self.client = client
    unsafe core.client = client
  }

  deinit { unsafe ws_client_destroy(client) }

  func start() { thread = HostThread { [self] in unsafe ws_client_run(client) } }

  func stop() {
    unsafe ws_client_stop(client)
    thread?.join()
    thread = nil
  }

  /// Any thread.
  func wake() { unsafe ws_client_wake(client) }
}
