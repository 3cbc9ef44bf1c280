import CWeb
import Glibc

/// A server under test on a free port of loopback, with its thread; what it was asked is echoed.
///
/// The reply's status is the query's `status`, its body names what arrived, so each test reads
/// from the wire what the handler saw.
@safe final class ServerUnderTest: @unchecked Sendable {
  private let server: OpaquePointer
  private var thread = pthread_t()
  let port: UInt16

  /// The body that `GET /large` answers with; several chunks long.
  static let largeBody = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  /// What became of its WebSockets.
  let sockets = SocketRecord()

  init(
    bodyBytesMax: UInt32 = 4096, connectionsMax: UInt32 = 64, timeoutSeconds: UInt32 = 60,
    limits: ws_limits = ws_limits()
  ) throws {
    unsafe server = try unsafe Self.make(
      port: 0, bodyBytesMax: bodyBytesMax, connectionsMax: connectionsMax,
      timeoutSeconds: timeoutSeconds, limits: limits, sockets: sockets)
    sockets.server = unsafe Int(bitPattern: server)
    port = unsafe ws_server_port(server)
    let target = unsafe UnsafeMutableRawPointer(server)
    unsafe pthread_create(
      &thread, nil,
      { server in
        unsafe ws_server_run(OpaquePointer(server!))
        return nil
      }, target)
  }

  deinit {
    unsafe ws_server_stop(server)
    pthread_join(thread, nil)
    unsafe ws_server_destroy(server)
  }

  struct Failure: Error {
    var number: Int32
    var text: String
  }

  /// Makes a server that nobody runs.
  static func make(
    address: String = "127.0.0.1", port: UInt16, bodyBytesMax: UInt32 = 4096,
    connectionsMax: UInt32 = 64, timeoutSeconds: UInt32 = 60, limits: ws_limits = ws_limits(),
    sockets: SocketRecord? = nil
  ) throws -> OpaquePointer {
    var options = unsafe ws_options()
    if let sockets {
      unsafe options.socket_limits = limits
      unsafe options.context = Unmanaged.passUnretained(sockets).toOpaque()
      unsafe options.on_upgrade = unsafe SocketRecord.onUpgrade
      unsafe options.on_refusal = { context, status, code, peer in
        let record = unsafe Unmanaged<SocketRecord>.fromOpaque(context!).takeUnretainedValue()
        unsafe record.noteRefusal("\(status) \(String(cString: code!)) \(String(cString: peer!))")
      }
      unsafe options.socket_events = SocketRecord.events
    }
    unsafe options.port = port
    unsafe options.body_bytes_max = bodyBytesMax
    unsafe options.connections_max = connectionsMax
    unsafe options.timeout_seconds = timeoutSeconds
    unsafe options.on_request = { context, request, answer in
      let record = unsafe context.map {
        unsafe Unmanaged<SocketRecord>.fromOpaque($0).takeUnretainedValue()
      }
      switch unsafe String(cString: request!.pointee.path) {
      case "/later": record?.later = unsafe ws_reply_defer(answer)
      case "/busy":
        pause(milliseconds: 1_500)
        unsafe ws_reply_status(answer, 200)
      case "/now":
        let isThere = record?.resume() ?? false
        unsafe ws_reply_status(answer, isThere ? 200 : 410)
      default: unsafe reply(request!.pointee, answer!)
      }
    }
    var error = ws_error()
    let server = unsafe address.withCString { text -> OpaquePointer? in
      unsafe options.address = unsafe text
      return unsafe ws_server_create(&options, &error)
    }
    guard let server = unsafe server else {
      let text = unsafe withUnsafeBytes(of: error.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw Failure(number: error.number, text: text)
    }
    return unsafe server
  }

  func connect(from source: UInt32 = 1) -> HttpProbe { HttpProbe(port: port, from: source) }

  /// One request on a connection of its own, and the whole reply; there is no other request, which
  /// the server is told by the end of our side.
  func exchange(_ text: String) -> String {
    let probe = connect()
    probe.send(text)
    probe.endSending()
    return probe.readToEnd()
  }

  /// Whether a request is answered. A connection that was just closed may still count, for the
  /// server learns of it on its next turn; and a client that stalls may be given up.
  var stillServes: Bool {
    (0..<50).contains { _ in
      exchange("GET /alive HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .contains("path=/alive")
    }
  }
}

private func reply(_ request: ws_request, _ reply: OpaquePointer) {
  let path = unsafe String(cString: request.path)
  if path == "/silent" { return }
  let query = unsafe (0..<Int(request.query_count)).map {
    unsafe String(cString: request.query[$0]!)
  }
  let status = query.first { $0.hasPrefix("status=") }.flatMap { UInt16($0.dropFirst(7)) } ?? 200
  unsafe ws_reply_status(reply, status)
  if path == "/large" {
    unsafe ServerUnderTest.largeBody.withUnsafeBufferPointer { bytes in
      unsafe ws_reply_body(reply, bytes.baseAddress, bytes.count)
    }
    return
  }
  if path == "/split" { unsafe ws_reply_header(reply, "Location", "/x\r\nSet-Cookie: a=b") }
  unsafe ws_reply_header(reply, "Content-Type", "text/plain")
  unsafe ws_reply_header(reply, "Location", "/calls/1")
  let fields = unsafe (0..<Int(request.header_count)).map {
    let field = unsafe request.headers[$0]
    return unsafe "\(String(cString: field.name))=\(String(cString: field.value))"
  }
  let bytes = unsafe UnsafeBufferPointer(start: request.body, count: request.body_length)
  let text = unsafe """
  method=\(String(cString: request.method)) path=\(path) query=\(query) fields=\(fields) \
  peer=\(String(cString: request.peer)) body=\(String(decoding: bytes, as: UTF8.self))
  """
  var copy = text
  copy.withUTF8 { unsafe ws_reply_body(reply, $0.baseAddress, $0.count) }
}

/// A client's TCP connection, with deadlines far beyond what a test needs.
final class HttpProbe {
  private let descriptor: Int32

  /// - Parameter source: the last byte of the address in 127.0.0.0/24 that it comes from.
  init(port: UInt16, from source: UInt32 = 1) {
    // Programs that other tests start at this moment would keep it open behind us.
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(AF_INET, kind, 0)
    limitReads()
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = (0x7F00_0000 + source).bigEndian
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(result == 0, "the server does not accept")
  }

  /// The next connection that somebody makes to a listener.
  init(accepting listener: Int32) {
    descriptor = accept(listener, nil, nil)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    limitReads()
  }

  private func limitReads() {
    var limit = timeval(tv_sec: 90, tv_usec: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Its own port.
  var port: UInt16 { HttpProbe.ports(of: descriptor).own }

  /// Of any connection of this process: the ports of its two ends; 0 where there is none.
  static func ports(of descriptor: Int32) -> (own: UInt16, other: UInt16) {
    func port(_ name: (Int32, UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32) -> UInt16 {
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe name(descriptor, $0, &length)
        }
      }
      return result == 0 ? UInt16(bigEndian: address.sin_port) : 0
    }
    return unsafe (
      port { unsafe getsockname($0, $1, &$2) }, port { unsafe getpeername($0, $1, &$2) }
    )
  }

  func endOfSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Sends all of the text; false when the server has closed.
  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      == bytes.count
  }

  /// Nothing more will be sent; what comes can still be read.
  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next bytes; nil at the end of the stream or after the deadline.
  func read() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
    return count > 0 ? Array(bytes[..<count]) : nil
  }

  /// Waits until nothing more fits into what the kernel keeps for us to read.
  func waitUntilFull() {
    var last: Int32 = -1
    var looks = 0
    while looks < 20 {
      var waiting: Int32 = 0
      _ = unsafe ioctl(descriptor, UInt(FIONREAD), &waiting)
      looks = waiting == last ? looks + 1 : 0
      last = waiting
      pause(milliseconds: 20)
    }
  }

  func readToEnd() -> String {
    String(decoding: readAllBytes(), as: UTF8.self)
  }

  func readAllBytes() -> [UInt8] {
    var all: [UInt8] = []
    while let next = read() { all += next }
    return all
  }

  /// Reads until `mark` has come; what came so far.
  func read(until mark: String) -> String {
    var all = ""
    while !all.contains(mark), let next = read() { all += String(decoding: next, as: UTF8.self) }
    return all
  }
}
