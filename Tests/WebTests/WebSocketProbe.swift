import Glibc

func pause(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// A WebSocket client made of bytes, so that a test can send what no library would.
final class WebSocketProbe {
  let http: HttpProbe
  private var waiting: [UInt8] = []
  /// The server's answer to the upgrade, up to the blank line.
  let handshake: String

  /// What came behind the handshake and was not looked at yet.
  var rest: String { String(decoding: waiting, as: UTF8.self) }

  static func request(
    path: String = "/ws", _ fields: String = "", version: Int = 13,
    key: String = "dGhlIHNhbXBsZSBub25jZQ=="
  ) -> String {
    "GET \(path) HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      + "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: \(version)\r\n\(fields)\r\n"
  }

  /// - Parameter early: bytes that go out right behind the request.
  init(_ server: ServerUnderTest, path: String = "/ws", fields: String = "", early: [UInt8] = []) {
    http = server.connect()
    http.send(Array(Self.request(path: path, fields).utf8) + early)
    var all: [UInt8] = []
    let mark = Array("\r\n\r\n".utf8)
    while let next = http.read() {
      all += next
      if all.indices.contains(where: { all[$0...].starts(with: mark) }) { break }
    }
    let end = all.indices.first { all[$0...].starts(with: mark) }.map { $0 + 4 } ?? all.count
    handshake = String(decoding: all[..<end], as: UTF8.self)
    waiting = Array(all[end...])
  }

  struct Frame: Equatable {
    var first: UInt8
    var payload: [UInt8]
    var text: String { String(decoding: payload, as: UTF8.self) }
    /// Of a Close frame.
    var code: Int { payload.count < 2 ? 0 : Int(payload[0]) << 8 | Int(payload[1]) }
  }

  /// A frame with a mask, as clients send it.
  static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var bytes = header(first, length: payload.count)
    let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
    bytes += mask
    bytes += payload.enumerated().map { $1 ^ mask[$0 & 3] }
    return bytes
  }

  static func header(_ first: UInt8, length: Int) -> [UInt8] {
    if length < 126 { return [first, 0x80 | UInt8(length)] }
    if length < 65_536 { return [first, 0xFE, UInt8(length >> 8), UInt8(length & 255)] }
    return [first, 0xFF] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
  }

  @discardableResult
  func send(_ first: UInt8, _ payload: [UInt8]) -> Bool { http.send(Self.frame(first, payload)) }

  @discardableResult
  func send(_ text: String) -> Bool { send(0x81, Array(text.utf8)) }

  private func need(_ count: Int) -> Bool {
    while waiting.count < count {
      guard let next = http.read() else { return false }
      waiting += next
    }
    return true
  }

  /// The next frame; nil at the end of the stream.
  func next() -> Frame? {
    guard need(2) else { return nil }
    var length = Int(waiting[1] & 0x7F)
    var start = 2
    if length == 126 {
      start = 4
    } else if length == 127 {
      start = 10
    }
    guard need(start) else { return nil }
    if start > 2 { length = waiting[2..<start].reduce(0) { $0 << 8 | Int($1) } }
    guard need(start + length) else { return nil }
    let frame = Frame(first: waiting[0], payload: Array(waiting[start..<start + length]))
    waiting.removeFirst(start + length)
    return frame
  }

  /// The next message, put together; nil at the end or at a Close.
  func message() -> [UInt8]? {
    var whole: [UInt8] = []
    while let frame = next() {
      if frame.first & 0x0F == 8 { return nil }
      if frame.first & 0x08 != 0 { continue }
      whole += frame.payload
      if frame.first & 0x80 != 0 { return whole }
    }
    return nil
  }

  /// The code of the Close frame that ends the stream; nil when it ends without.
  func closeCode() -> Int? {
    while let frame = next() {
      if frame.first & 0x0F == 8 { return frame.code }
    }
    return nil
  }
}
