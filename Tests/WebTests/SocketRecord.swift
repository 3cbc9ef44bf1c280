import CWeb
import Synchronization

/// What the sockets of a server or client under test went through, and the handlers that write it
/// down. Messages come back as they are, except for a few words that ask for something.
final class SocketRecord: Sendable {
  private let lines = Mutex<[String]>([])
  /// Answers of `may_read`.
  let mayRead = Atomic<Bool>(true)

  /// The server, and the number of a reply that it was told to put off.
  private let deferred = Mutex<(server: Int, number: UInt64)>((0, 0))
  var server: Int {
    get { deferred.withLock { $0.server } }
    set { deferred.withLock { $0.server = newValue } }
  }
  var later: UInt64 {
    get { deferred.withLock { $0.number } }
    set {
      deferred.withLock { $0.number = newValue }
      note("later")
    }
  }

  /// Sends the reply that was put off. On the server's thread.
  func resume() -> Bool {
    guard let server = unsafe OpaquePointer(bitPattern: server),
      let reply = unsafe ws_server_resume(server, later)
    else { return false }
    unsafe ws_reply_status(reply, 202)
    unsafe ws_reply_header(reply, "X-Late", "yes")
    let body = Array("late".utf8)
    unsafe ws_reply_body(reply, body, body.count)
    return true
  }

  var all: [String] { lines.withLock { $0 } }

  func note(_ line: String) { lines.withLock { $0.append(line) } }

  func noteRefusal(_ what: String) { note("refused \(what)") }

  /// Waits until a line is there; false after a minute, or the seconds given.
  func waits(for line: String, seconds: Int = 60) -> Bool {
    waits(seconds: seconds) { $0.contains(line) }
  }

  func waits(seconds: Int = 60, until holds: ([String]) -> Bool) -> Bool {
    for _ in 0..<(100 * seconds) {
      if holds(all) { return true }
      pause(milliseconds: 10)
    }
    return false
  }

  private let jobs = Mutex<[@Sendable () -> Void]>([])

  /// Something to do on the thread of a client that is then woken.
  func add(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }

  func takeJobs() -> [@Sendable () -> Void] {
    jobs.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }

  private static func at(_ context: UnsafeMutableRawPointer?) -> SocketRecord {
    unsafe Unmanaged<SocketRecord>.fromOpaque(context!).takeUnretainedValue()
  }

  /// `/refused` is refused, `/greeted` gets a message at once, and `/closed` a Close frame.
  nonisolated(unsafe) static let onUpgrade:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<ws_request>?, OpaquePointer?, OpaquePointer?
    ) -> Bool = { context, request, reply, socket in
      let path = unsafe String(cString: request!.pointee.path)
      if path == "/refused" {
        unsafe ws_reply_status(reply, 401)
        unsafe ws_reply_header(reply, "WWW-Authenticate", "Bearer")
        let body = Array("{\"error\":{}}".utf8)
        unsafe ws_reply_body(reply, body, body.count)
        return false
      }
      unsafe at(context).note("upgrade \(path)")
      let fields = unsafe (0..<Int(request!.pointee.header_count)).map {
        let field = unsafe request!.pointee.headers[$0]
        return unsafe "\(String(cString: field.name))=\(String(cString: field.value))"
      }
      for field in fields where field.hasPrefix("authorization") {
        unsafe at(context).note(field)
      }
      if path == "/greeted" { unsafe ws_socket_send(socket, Array("hello".utf8), 5, true) }
      if path == "/closed" { unsafe ws_socket_close(socket, 4_002, "not now") }
      return true
    }

  static var events: ws_socket_events {
    unsafe ws_socket_events(
      on_open: { context, socket in unsafe SocketRecord.at(context).note("open") },
      on_message: { context, socket, bytes, length, isText in
        let message = unsafe Array(UnsafeBufferPointer(start: bytes, count: length))
        unsafe SocketRecord.at(context).take(message, isText: isText, from: socket!)
      },
      on_close: { context, socket, ending in
        let ending = unsafe ending!.pointee
        let reason = unsafe withUnsafeBytes(of: ending.reason) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        unsafe SocketRecord.at(context).note(
          "close \(ending.code) \(ending.by_peer ? "peer" : "us") \(reason)")
        if ending.http_status != 0 {
          unsafe SocketRecord.at(context).note("status \(ending.http_status)")
        }
      },
      may_read: { context, socket in
        unsafe SocketRecord.at(context).mayRead.load(ordering: .relaxed)
      })
  }

  private func take(_ message: [UInt8], isText: Bool, from socket: OpaquePointer) {
    let text = String(decoding: message, as: UTF8.self)
    note("\(isText ? "text" : "binary") \(message.count)")
    switch text {
    case "close": unsafe ws_socket_close(socket, 4_001, "as you wish")
    case "quiet", "hello": break
    case "fill":
      // How many messages of 1,000 bytes the queue takes.
      let message = [UInt8](repeating: 1, count: 1_000)
      var taken = 0
      while unsafe ws_socket_send(socket, message, message.count, false) { taken += 1 }
      note("taken \(taken)")
    default: unsafe ws_socket_send(socket, message, message.count, isText)
    }
  }
}
