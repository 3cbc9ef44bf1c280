import CWeb

/// A WebSocket that the web server holds. The name outlives the socket and is never given twice, so
/// other threads may keep it: what is sent to one that is gone is dropped.
struct WebSocketID: Hashable, Sendable {
  let number: UInt32
}

/// The WebSockets of a web server, by name. Used on the server's thread only.
@safe final class WebSockets {
  private var sockets: [WebSocketID: OpaquePointer] = unsafe [:]
  private var lastNumber: UInt32 = 0

  var count: Int { unsafe sockets.count }

  /// Queues one message for the peer; copies it. False when it was not: the socket is gone or
  /// ending, or its queue (1 MiB) is full.
  @discardableResult
  func send(_ bytes: [UInt8], isText: Bool, to id: WebSocketID) -> Bool {
    guard let socket = unsafe sockets[id] else { return false }
    return unsafe ws_socket_send(socket, bytes, bytes.count, isText)
  }

  /// Ends a socket, after what waits to be sent; `code` is of RFC 6455, section 7.4.1.
  func close(_ id: WebSocketID, code: UInt16, reason: String) {
    guard let socket = unsafe sockets[id] else { return }
    unsafe ws_socket_close(socket, code, reason)
  }

  /// Names a socket of the C server.
  func adopt(_ socket: OpaquePointer) -> WebSocketID {
    repeat { lastNumber &+= 1 } while unsafe sockets[WebSocketID(number: lastNumber)] != nil
    let id = WebSocketID(number: lastNumber)
    unsafe sockets[id] = unsafe socket
    unsafe ws_socket_set_context(socket, UnsafeMutableRawPointer(bitPattern: UInt(id.number)))
    return id
  }

  func forget(_ id: WebSocketID) { unsafe sockets[id] = nil }

  /// The name that `adopt` gave; nil for a socket that nobody adopted.
  static func id(of socket: OpaquePointer) -> WebSocketID? {
    let number = UInt(bitPattern: unsafe ws_socket_context(socket))
    return number == 0 ? nil : WebSocketID(number: UInt32(truncatingIfNeeded: number))
  }
}
