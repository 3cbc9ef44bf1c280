import Glibc

/// One end of a WebSocket that a test writes by hand: the client's or the server's.
protocol FrameChannel {
  /// A frame as this end sends it.
  func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8]
  @discardableResult func send(_ bytes: [UInt8]) -> Bool
  /// Tells the other end that no more bytes come.
  func endOfSending()
  /// The next frame; nil at the end of the stream or after the deadline.
  func next() -> WebSocketProbe.Frame?
}

extension FrameChannel {
  /// Reads up to the first frame that `isLast` wants, or to the end of the stream.
  func frames(until isLast: (WebSocketProbe.Frame) -> Bool) -> [WebSocketProbe.Frame] {
    var frames: [WebSocketProbe.Frame] = []
    while let frame = next() {
      frames.append(frame)
      if isLast(frame) { break }
    }
    return frames
  }
}

extension WebSocketProbe: FrameChannel {
  func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] { Self.frame(first, payload) }

  func send(_ bytes: [UInt8]) -> Bool { http.send(bytes) }

  func endOfSending() { http.endOfSending() }
}

/// A WebSocket server made of bytes, for one client. A real server answers the handshake.
@safe final class WebSocketPeer {
  /// A socket that a client opened.
  final class Accepted: FrameChannel {
    private let probe: HttpProbe
    private var waiting: [UInt8] = []

    init(_ probe: HttpProbe) { self.probe = probe }

    func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
      var header = WebSocketProbe.header(first, length: payload.count)
      header[1] &= 0x7F  // servers mask nothing
      return header + payload
    }

    func send(_ bytes: [UInt8]) -> Bool { probe.send(bytes) }

    func endOfSending() { probe.endOfSending() }

    private func has(_ count: Int) -> Bool {
      while waiting.count < count {
        guard let next = probe.read() else { return false }
        waiting += next
      }
      return true
    }

    /// Clients' frames have a mask.
    func next() -> WebSocketProbe.Frame? {
      guard has(2) else { return nil }
      var length = Int(waiting[1] & 0x7F)
      let start = length == 126 ? 4 : length == 127 ? 10 : 2
      guard has(start + 4) else { return nil }
      if start > 2 { length = waiting[2..<start].reduce(0) { $0 << 8 | Int($1) } }
      guard has(start + 4 + length) else { return nil }
      let mask = Array(waiting[start..<start + 4])
      let payload = waiting[(start + 4)..<start + 4 + length].enumerated().map { $1 ^ mask[$0 & 3] }
      let frame = WebSocketProbe.Frame(first: waiting[0], payload: payload)
      waiting.removeFirst(start + 4 + length)
      return frame
    }
  }

  private let listener: Listener
  private let server: ServerUnderTest
  var port: UInt16 { listener.port }

  init() throws {
    listener = Listener()
    server = try ServerUnderTest()
  }

  /// The socket of the client that has asked for one; nil when none does.
  func accept() -> Accepted? {
    let client = HttpProbe(accepting: listener.descriptor)
    let request = client.read(until: "\r\n\r\n")
    let oracle = server.connect()
    oracle.send(request)
    client.send(oracle.read(until: "\r\n\r\n"))
    return request.isEmpty ? nil : Accepted(client)
  }
}
