import CWeb
import Glibc
import Runtime
import Signalling
import Wire

/// What a web server works for. Everything is called on the server's thread.
protocol WebHandler: AnyObject {
  /// Answers a request. Must not block: for an answer that comes later it takes a number from
  /// `later`, gives nil, and calls the server's `resume` when it has one.
  func handle(_ request: ApiRequest, later: () -> UInt64) -> ApiResponse?
  /// Decides about a request to become a WebSocket; nil lets it in, and `socket` may be sent to.
  func upgrade(_ request: ApiRequest, to socket: WebSocketID) -> ApiResponse?
  /// A whole message of a socket that was let in; text is valid UTF-8.
  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID)
  /// The end of a socket that was let in: once, and the last that is heard of it.
  func closed(_ socket: WebSocketID, code: UInt16)
  /// The server itself has refused a client; `code` as in an API error.
  func refused(status: UInt16, code: String, peer: String)
  /// Somebody called `wake`.
  func wake()
}

/// The web server of a transceiver: turns the C server's requests, messages and sockets into values
/// for a `WebHandler`, and its answers back. Runs on the thread that calls `run`.
@safe final class WebServer: @unchecked Sendable {
  /// Connections at once.
  static let connectionsMax = 1_024

  // @unchecked: `stop` and `wake` are made for any thread; everything else is the running thread's.
  private let context: WebContext
  private let server: OpaquePointer
  /// Where it listens, with the port that the kernel chose.
  let address: TransportAddress

  /// - Parameter sockets: the server's table of WebSockets, for the handler to send with.
  init(
    sockets: WebSockets, listening address: TransportAddress
  ) throws(TransceiverFailure) {
    context = WebContext(sockets)
    var options = unsafe context.options
    var error = ws_error()
    let made = unsafe address.host.withCString { host in
      unsafe options.address = host
      unsafe options.port = address.port
      return unsafe ws_server_create(&options, &error)
    }
    guard let server = unsafe made else {
      let isTaken = error.number == EADDRINUSE
      let holder = isTaken ? PortHolder.find(address, .tcp).map { ", by \($0)" } : nil
      throw TransceiverFailure(description: error.sentence + (holder ?? ""))
    }
    unsafe self.server = server
    self.address = TransportAddress(
      high: address.high, low: address.low, port: unsafe ws_server_port(server))
  }

  deinit { unsafe ws_server_destroy(server) }

  /// Whom the server works for. To be called before it runs.
  func serve(_ handler: any WebHandler) { context.handler = handler }

  /// Serves until `stop`.
  func run() { unsafe ws_server_run(server) }

  /// Any thread.
  func stop() { unsafe ws_server_stop(server) }

  /// Sends an answer that came later; nobody gets it when the client has gone. On the server's
  /// thread.
  func resume(_ number: UInt64, with response: ApiResponse) {
    guard let reply = unsafe ws_server_resume(server, number) else { return }
    unsafe WebContext.fill(reply, from: response)
  }

  /// Makes the handler's `wake` be called soon. Any thread.
  func wake() { unsafe ws_server_wake(server) }
}

/// What the C server hands back on each call: the way to the handler. Kept alive by `WebServer`.
private final class WebContext {
  var handler: (any WebHandler)?
  let sockets: WebSockets

  init(_ sockets: WebSockets) {
    self.sockets = sockets
  }

  /// Everything but the address.
  var options: ws_options {
    var options = unsafe ws_options()
    unsafe options.body_bytes_max = UInt32(Signalling.bodyByteCountMax)
    unsafe options.connections_max = UInt32(WebServer.connectionsMax)
    unsafe options.context = Unmanaged.passUnretained(self).toOpaque()
    unsafe options.on_request = { context, request, reply in
      guard let context = unsafe context, let request = unsafe request, let reply = unsafe reply
      else { return }
      let handler = unsafe WebContext.at(context).handler
      let response = unsafe handler?.handle(ApiRequest(request.pointee)) {
        unsafe ws_reply_defer(reply)
      }
      if let response { unsafe WebContext.fill(reply, from: response) }
    }
    unsafe options.on_upgrade = { context, request, reply, socket in
      guard let context = unsafe context, let request = unsafe request,
        let reply = unsafe reply, let socket = unsafe socket
      else { return false }
      return unsafe WebContext.at(context).upgrade(ApiRequest(request.pointee), socket, reply)
    }
    unsafe options.socket_events.on_message = { context, socket, bytes, length, isText in
      guard let context = unsafe context, let socket = unsafe socket,
        let id = unsafe WebSockets.id(of: socket)
      else { return }
      let message = unsafe Array(UnsafeBufferPointer(start: bytes, count: length))
      unsafe WebContext.at(context).handler?.receive(message, isText: isText, from: id)
    }
    unsafe options.socket_events.on_close = { context, socket, ending in
      guard let context = unsafe context, let socket = unsafe socket,
        let id = unsafe WebSockets.id(of: socket), let ending = unsafe ending
      else { return }
      unsafe WebContext.at(context).closed(id, code: ending.pointee.code)
    }
    unsafe options.on_refusal = { context, status, code, peer in
      guard let context = unsafe context, let code = unsafe code, let peer = unsafe peer else {
        return
      }
      unsafe WebContext.at(context).handler?.refused(
        status: status, code: String(cString: code), peer: String(cString: peer))
    }
    unsafe options.on_wake = { context in
      guard let context = unsafe context else { return }
      unsafe WebContext.at(context).handler?.wake()
    }
    return unsafe options
  }

  private static func at(_ context: UnsafeMutableRawPointer) -> WebContext {
    unsafe Unmanaged<WebContext>.fromOpaque(context).takeUnretainedValue()
  }

  private func upgrade(
    _ request: ApiRequest, _ socket: OpaquePointer, _ reply: OpaquePointer
  ) -> Bool {
    let id = unsafe sockets.adopt(socket)
    let refusal =
      if let handler { handler.upgrade(request, to: id) } else {
        ApiResponse?(ApiResponse(status: 503))
      }
    guard let refusal else { return true }
    sockets.forget(id)
    unsafe Self.fill(reply, from: refusal)
    return false
  }

  private func closed(_ id: WebSocketID, code: UInt16) {
    sockets.forget(id)
    handler?.closed(id, code: code)
  }

  fileprivate static func fill(_ reply: OpaquePointer, from response: ApiResponse) {
    unsafe ws_reply_status(reply, response.status)
    for (name, value) in response.headers { unsafe ws_reply_header(reply, name, value) }
    unsafe ws_reply_body(reply, response.body, response.body.count)
  }
}

extension ws_error {
  /// What failed, for the operator.
  var sentence: String {
    unsafe withUnsafeBytes(of: text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
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
      body: Array(body), peer: String(cString: request.peer))
  }
}
