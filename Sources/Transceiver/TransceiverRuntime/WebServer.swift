import CWebServer
import Glibc
import Signalling
import Wire

/// The HTTP server of a transceiver: turns the C server's requests into `ApiRequest`s for a
/// `WebBridge` and its responses back. Runs on the thread that calls `run`.
@safe final class WebServer: @unchecked Sendable {
  // @unchecked: `stop` is made for any thread; everything else is the running thread's.
  private let bridge: WebBridge
  private let server: OpaquePointer
  /// Where it listens, with the port that the kernel chose.
  let address: TransportAddress

  init(_ bridge: WebBridge, listening address: TransportAddress) throws(TransceiverFailure) {
    var error = ws_error()
    let made = unsafe address.host.withCString { host in
      var options = unsafe ws_options()
      unsafe options.address = host
      unsafe options.port = address.port
      // Twice what signalling takes, so that it is signalling that says in JSON what is too long.
      unsafe options.body_bytes_max = UInt32(2 * Signalling.bodyByteCountMax)
      unsafe options.context = Unmanaged.passUnretained(bridge).toOpaque()
      unsafe options.on_request = { context, request, reply in
        guard let context = unsafe context, let request = unsafe request, let reply = unsafe reply
        else { return }
        let bridge = unsafe Unmanaged<WebBridge>.fromOpaque(context).takeUnretainedValue()
        unsafe WebServer.fill(reply, from: bridge.handle(ApiRequest(request.pointee)))
      }
      return unsafe ws_server_create(&options, &error)
    }
    guard let server = unsafe made else {
      throw TransceiverFailure(
        description: unsafe withUnsafeBytes(of: error.text) {
          unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    unsafe self.server = server
    self.bridge = bridge
    self.address = TransportAddress(
      high: address.high, low: address.low, port: unsafe ws_server_port(server))
  }

  deinit { unsafe ws_server_destroy(server) }

  /// Serves until `stop`.
  func run() { unsafe ws_server_run(server) }

  /// Any thread.
  func stop() { unsafe ws_server_stop(server) }

  private static func fill(_ reply: OpaquePointer, from response: ApiResponse) {
    unsafe ws_reply_status(reply, response.status)
    for (name, value) in response.headers { unsafe ws_reply_header(reply, name, value) }
    unsafe ws_reply_body(reply, response.body, response.body.count)
  }
}

extension ApiRequest {
  /// Copies what the C server lends for the time of the call.
  init(_ request: ws_request) {
    let query = unsafe UnsafeBufferPointer(start: request.query, count: Int(request.query_count))
    let headers = unsafe UnsafeBufferPointer(
      start: request.headers, count: Int(request.header_count))
    let body = unsafe UnsafeBufferPointer(start: request.body, count: request.body_length)
    unsafe self.init(
      method: String(cString: request.method), path: String(cString: request.path),
      query: query.compactMap { unsafe $0.map { unsafe String(cString: $0) } },
      headers: headers.map {
        unsafe (name: String(cString: $0.name), value: String(cString: $0.value))
      },
      body: Array(body))
  }
}
