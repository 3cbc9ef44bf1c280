import Backends
import CWeb
import Glibc
import ServiceClient
import Synchronization

/// A service on a free port of loopback: says everything back, and obeys a few words.
@safe final class FakeService: @unchecked Sendable {
  // @unchecked: the C server is made for stopping from any thread; the rest is atomic or locked.
  private var server: OpaquePointer
  private var thread = pthread_t()
  private let state = FakeState()

  var reads: Bool {
    get { state.reads.load(ordering: .relaxed) }
    set { state.reads.store(newValue, ordering: .relaxed) }
  }

  var requests: [String] { state.requests.withLock { $0 } }

  struct Failure: Error {}

  init() throws {
    var options = unsafe ws_options()
    unsafe options.context = Unmanaged.passUnretained(state).toOpaque()
    unsafe options.on_upgrade = { context, request, _, _ in
      let path = unsafe String(cString: request!.pointee.path)
      unsafe FakeState.at(context).requests.withLock { $0.append(path) }
      return true
    }
    unsafe options.socket_events.may_read = { context, _ in
      unsafe FakeState.at(context).reads.load(ordering: .relaxed)
    }
    unsafe options.socket_events.on_message = { _, socket, bytes, length, isText in
      let text = unsafe String(
        decoding: UnsafeBufferPointer(start: bytes, count: length), as: UTF8.self)
      switch text {
      case "end": unsafe ws_socket_close(socket, 1_000, "good bye")
      case "break": unsafe ws_socket_close(socket, 1_011, "out of order")
      case "tell": unsafe ws_socket_close(socket, 1_008, "sk-secret is no good key")
      case "flood":
        let message = [UInt8](repeating: 0x61, count: 100_000)
        while unsafe ws_socket_send(socket, message, message.count, true) {}
      default: unsafe ws_socket_send(socket, bytes, length, isText)
      }
    }
    unsafe options.socket_limits.queue_bytes_max = 8 << 20
    var error = ws_error()
    let made = unsafe "127.0.0.1".withCString { host in
      unsafe options.address = unsafe host
      return unsafe ws_server_create(&options, &error)
    }
    guard let made = unsafe made else { throw Failure() }
    unsafe server = unsafe made
    unsafe pthread_create(
      &thread, nil,
      { server in
        unsafe ws_server_run(OpaquePointer(server!))
        return nil
      }, UnsafeMutableRawPointer(made))
  }

  deinit {
    unsafe ws_server_stop(server)
    pthread_join(thread, nil)
    unsafe ws_server_destroy(server)
  }

  func endpoint(host: String = "127.0.0.1") throws -> ServiceEndpoint {
    try ServiceEndpoint("ws://\(host):\(unsafe ws_server_port(server))/v1")
  }
}

final class FakeState: Sendable {
  let reads = Atomic<Bool>(true)
  let requests = Mutex<[String]>([])

  static func at(_ context: UnsafeMutableRawPointer?) -> FakeState {
    unsafe Unmanaged<FakeState>.fromOpaque(context!).takeUnretainedValue()
  }
}

/// A hub under test and the news of its lines.
final class HubUnderTest {
  let hub: ServiceHub
  let news = NewsRecord()

  init(
    _ endpoint: ServiceEndpoint, key: String? = nil, stallMilliseconds: UInt32 = 600_000
  ) throws {
    var options = ServiceOptions(endpoint)
    options.stallMilliseconds = stallMilliseconds
    options.key = key.flatMap(ServiceKey.init)
    hub = try ServiceHub(options)
    hub.start()
  }

  deinit { hub.stop() }

  /// - Parameter handles: whether the news are handled at once, as a shard does.
  func open(handles: Bool = true) -> ServiceLine {
    hub.open { [news] line, item in
      news.add(item)
      if handles { line.noteHandled(item) }
    }
  }
}

final class NewsRecord: Sendable {
  private let items = Mutex<[ServiceNews]>([])

  var all: [ServiceNews] { items.withLock { $0 } }
  func add(_ item: ServiceNews) { items.withLock { $0.append(item) } }

  var messageCount: Int {
    all.count { if case .message = $0 { true } else { false } }
  }

  /// False after a minute.
  func waits(until holds: ([ServiceNews]) -> Bool) -> Bool {
    for _ in 0..<6_000 {
      if holds(all) { return true }
      usleep(10_000)
    }
    return false
  }

  func waits(for item: ServiceNews) -> Bool { waits { $0.contains(item) } }
}

extension ServiceMessage {
  static func text(_ text: String) -> ServiceMessage {
    ServiceMessage(Array(text.utf8), isText: true, isAudio: false)
  }

  static func audio(_ count: Int) -> ServiceMessage {
    ServiceMessage([UInt8](repeating: 0x61, count: count), isText: true, isAudio: true)
  }
}
