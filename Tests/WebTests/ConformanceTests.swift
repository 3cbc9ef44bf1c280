import CWeb
import Testing

/// What RFC 6455 asks of an endpoint, case by case, in the order of Autobahn's suite: both ends of
/// ours are given the same frames, and echo messages.
@Suite("WebSocket conformance")
struct ConformanceTests {
  @Test(arguments: ConformanceCase.all) func aServer(_ given: ConformanceCase) throws {
    let server = try ServerUnderTest()
    judge(given, WebSocketProbe(server))
    // It goes on for others.
    let other = WebSocketProbe(server)
    other.send("alive")
    #expect(other.message() == Array("alive".utf8))
  }

  @Test(arguments: ConformanceCase.all) func aClient(_ given: ConformanceCase) throws {
    let service = try WebSocketPeer()
    let client = try ClientUnderTest()
    client.open(port: service.port)
    judge(given, try #require(service.accept()))
  }

  private func judge(_ given: ConformanceCase, _ channel: some FrameChannel) {
    let bytes = given.sent.flatMap { $0.bytes(channel) }
    let size = given.isChopped ? 1 : max(1, bytes.count)
    for start in stride(from: 0, to: bytes.count, by: size) {
      channel.send(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    for expected in given.answers {
      let frame = channel.next()
      #expect(frame == WebSocketProbe.Frame(first: expected.first, payload: expected.payload))
    }
    guard let code = given.closeCode else { return }
    let close = channel.next()
    #expect(close?.first == 0x88)
    #expect(close?.code == code)
    // Who failed the connection, or has answered a Close, says no more.
    channel.endOfSending()
    #expect(channel.next() == nil)
  }

  /// The frame that is wrong is refused with its first wrong byte, not when it is whole.
  @Test func textIsRefusedAtItsFirstWrongByte() throws {
    let server = try ServerUnderTest()
    for bytes: [UInt8] in [
      [0x61, 0xFF], [0xC0], [0xED, 0xA0], [0xF4, 0x90], [0xE2, 0x82, 0x28],
    ] {
      let probe = WebSocketProbe(server)
      let mask: [UInt8] = [1, 2, 3, 4]
      let masked = bytes.enumerated().map { $1 ^ mask[$0 & 3] }
      probe.http.send(WebSocketProbe.header(0x81, length: 100) + mask + masked)
      #expect(probe.closeCode() == 1_007, "\(bytes)")
    }
  }

  /// An answer to each of a few pings, and to the last of many (section 5.5.3).
  @Test func theLastOfManyPingsIsAnswered() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server)
    probe.http.send((0..<1_000).flatMap { probe.frame(0x89, [UInt8($0 >> 8), UInt8($0 & 255)]) })
    let last = probe.frames { $0.payload == [3, 231] }
    #expect(last.last?.payload == [3, 231])
    #expect(last.allSatisfy { $0.first == 0x8A })
  }
}

/// Frames that an endpoint is sent, and what it answers.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
  /// A frame of the other end's; `isOdd` breaks the rule of who masks.
  struct Sent: Sendable {
    var first: UInt8
    var payload: [UInt8]
    var isOdd = false
    /// Used as it is in place of a frame: its header; a mask of zeros follows if clients send.
    var header: [UInt8]?

    func bytes(_ channel: some FrameChannel) -> [UInt8] {
      if let header {
        let isMasked = channel.frame(0x81, [])[1] & 0x80 != 0
        let second = header[1] | (isMasked ? 0x80 : 0)
        return [header[0], second] + header[2...] + (isMasked ? [0, 0, 0, 0] : []) + payload
      }
      guard isOdd else { return channel.frame(first, payload) }
      let isMasked = channel.frame(0x81, [])[1] & 0x80 != 0
      if isMasked { return [first, UInt8(payload.count)] + payload }
      return [first, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
    }
  }

  var name: String
  var sent: [Sent]
  var answers: [Sent] = []
  /// What the Close frame names that comes then; 0 for one without a code; nil: none comes.
  var closeCode: Int?
  var isChopped = false

  var testDescription: String { name }

  static let all =
    messages + pings + reserved + fragments + texts + closes + masks
}

private typealias Sent = ConformanceCase.Sent

private func text(_ text: String, _ first: UInt8 = 0x81) -> Sent {
  Sent(first: first, payload: Array(text.utf8))
}

private func close(_ code: Int, _ reason: [UInt8] = []) -> Sent {
  Sent(first: 0x88, payload: [UInt8(code >> 8), UInt8(code & 255)] + reason)
}

extension ConformanceCase {
  /// Autobahn's 1 and 10.
  private static let messages: [ConformanceCase] =
    [0, 1, 125, 126, 127, 128, 65_535, 65_536].flatMap { length in
      [UInt8(0x81), 0x82].map { first in
        let message = Sent(first: first, payload: [UInt8](repeating: 0x2A, count: length))
        return ConformanceCase(
          name: "\(first == 0x81 ? "text" : "binary") of \(length)", sent: [message],
          answers: [message])
      }
    } + [
      ConformanceCase(
        name: "text byte by byte", sent: [text("chopped")], answers: [text("chopped")],
        isChopped: true),
      ConformanceCase(
        name: "65,536 bytes in frames of 1,300",
        sent: (0...50).map { index in
          let first: UInt8 = index == 0 ? 0x01 : index == 50 ? 0x80 : 0x00
          return Sent(
            first: first, payload: [UInt8](repeating: 0x2A, count: index < 50 ? 1_300 : 536))
        }, answers: [Sent(first: 0x81, payload: [UInt8](repeating: 0x2A, count: 65_536))]),
    ]

  /// Autobahn's 2.
  private static let pings: [ConformanceCase] =
    [[], Array("Hello, world!".utf8), [0, 0xFF, 0xFE, 0xFD], [UInt8](repeating: 0xFE, count: 125)]
    .flatMap { (payload: [UInt8]) in
      [false, true].map { isChopped in
        ConformanceCase(
          name: "ping of \(payload.count)\(isChopped ? " byte by byte" : "")",
          sent: [Sent(first: 0x89, payload: payload)],
          answers: [Sent(first: 0x8A, payload: payload)], isChopped: isChopped)
      }
    } + [
      ConformanceCase(
        name: "ping of 126",
        sent: [
          Sent(
            first: 0, payload: [UInt8](repeating: 0xFE, count: 126), header: [0x89, 126, 0, 126])
        ], closeCode: 1_002),
      ConformanceCase(
        name: "pongs that nobody asked for, then a ping",
        sent: [
          Sent(first: 0x8A, payload: []), text("unsolicited", 0x8A), text("ping", 0x89),
        ], answers: [text("ping", 0x8A)]),
      ConformanceCase(
        name: "ten pings in a row", sent: (0..<10).map { text("payload-\($0)", 0x89) },
        answers: (0..<10).map { text("payload-\($0)", 0x8A) }),
      ConformanceCase(
        name: "ten pings byte by byte", sent: (0..<10).map { text("payload-\($0)", 0x89) },
        answers: (0..<10).map { text("payload-\($0)", 0x8A) }, isChopped: true),
    ]

  /// Autobahn's 3 and 4.
  private static let reserved: [ConformanceCase] =
    [UInt8(0x10), 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].flatMap { bits in
      [UInt8(0x81), 0x82, 0x88, 0x89, 0x8A].map { first in
        ConformanceCase(
          name: "reserved bits \(bits) on \(first & 15)", sent: [text("x", first | bits)],
          closeCode: 1_002)
      }
    }
    + [UInt8(3), 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap { opcode in
      ["", "reserved opcode payload"].map { payload in
        ConformanceCase(
          name: "opcode \(opcode) of \(payload.utf8.count)",
          sent: [text(payload, 0x80 | opcode), text("after", 0x89)], closeCode: 1_002)
      }
    }

  /// Autobahn's 5.
  private static let fragments: [ConformanceCase] = [
    ConformanceCase(
      name: "ping in fragments", sent: [text("a", 0x09), text("b", 0x80)], closeCode: 1_002),
    ConformanceCase(
      name: "pong in fragments", sent: [text("a", 0x0A), text("b", 0x80)], closeCode: 1_002),
    ConformanceCase(
      name: "two fragments", sent: [text("a", 0x01), text("b", 0x80)], answers: [text("ab")]),
    ConformanceCase(
      name: "two fragments byte by byte", sent: [text("a", 0x01), text("b", 0x80)],
      answers: [text("ab")], isChopped: true),
    ConformanceCase(
      name: "fragments with nothing in them",
      sent: [text("", 0x01), text("", 0x00), text("", 0x80)], answers: [text("")]),
    ConformanceCase(
      name: "a ping between fragments",
      sent: [text("a", 0x01), text("p", 0x89), text("b", 0x80)],
      answers: [text("p", 0x8A), text("ab")]),
    ConformanceCase(
      name: "a last continuation of nothing", sent: [text("a", 0x80)], closeCode: 1_002),
    ConformanceCase(name: "a continuation of nothing", sent: [text("a", 0x00)], closeCode: 1_002),
    ConformanceCase(
      name: "a continuation after a message", sent: [text("a"), text("b", 0x80)],
      answers: [text("a")], closeCode: 1_002),
    ConformanceCase(
      name: "a message within another", sent: [text("a", 0x01), text("b", 0x81)], closeCode: 1_002),
    ConformanceCase(
      name: "a binary one within a text", sent: [text("a", 0x01), text("b", 0x02)],
      closeCode: 1_002),
  ]

  /// Autobahn's 6.
  private static let texts: [ConformanceCase] =
    [
      "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\u{0}\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFD}",
      "\u{FFFE}\u{FFFF}\u{10000}\u{3FFFE}\u{10FFFF}",
    ].flatMap { (good: String) in
      let bytes = Array(good.utf8)
      let cut = bytes.indices.map { index in
        Sent(
          first: (index == 0 ? 0x01 : 0) | (index == bytes.count - 1 ? 0x80 : 0),
          payload: [bytes[index]])
      }
      return [
        ConformanceCase(name: "text \(bytes)", sent: [text(good)], answers: [text(good)]),
        ConformanceCase(name: "text cut at each byte \(bytes)", sent: cut, answers: [text(good)]),
      ]
    }
    + [
      [0xCE], [0xCE, 0xBA, 0xE1], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC], [0xFF], [0xFE], [0x80],
      [0xBF], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xC1, 0xBF],
      [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80], [0xC2, 0x20], [0xE1, 0x80, 0x20],
    ].flatMap { (bad: [UInt8]) in
      [
        ConformanceCase(
          name: "no text \(bad)", sent: [Sent(first: 0x81, payload: bad)], closeCode: 1_007),
        // What was wrong is seen before the message is whole.
        ConformanceCase(
          name: "no text in a fragment \(bad)",
          sent: [
            text("fine", 0x01), Sent(first: 0x00, payload: bad), text("x", 0x80),
          ], closeCode: 1_007),
      ]
    }

  /// Autobahn's 7.
  private static let closes: [ConformanceCase] =
    [
      1_000, 1_001, 1_002, 1_003, 1_007, 1_008, 1_009, 1_010, 1_011, 1_012, 1_013, 1_014, 3_000,
      3_999, 4_000, 4_999,
    ].map { ConformanceCase(name: "close \($0)", sent: [close($0)], closeCode: $0) }
    + [0, 999, 1_004, 1_005, 1_006, 1_015, 1_016, 1_100, 2_000, 2_999, 5_000, 65_535].map {
      ConformanceCase(name: "close \($0), which is none", sent: [close($0)], closeCode: 1_002)
    } + [
      ConformanceCase(name: "close without a code", sent: [text("", 0x88)], closeCode: 0),
      ConformanceCase(name: "close of one byte", sent: [text("a", 0x88)], closeCode: 1_002),
      ConformanceCase(
        name: "close with a reason", sent: [close(1_000, Array("Hello World!".utf8))],
        closeCode: 1_000),
      ConformanceCase(
        name: "close with a reason of 123",
        sent: [close(1_000, [UInt8](repeating: 0x2A, count: 123))],
        closeCode: 1_000),
      ConformanceCase(
        name: "close with a reason of 124",
        sent: [
          Sent(
            first: 0, payload: [3, 232] + [UInt8](repeating: 0x2A, count: 124),
            header: [0x88, 126, 0, 126])
        ], closeCode: 1_002),
      ConformanceCase(
        name: "close with a reason that is no text", sent: [close(1_000, [0xCE, 0xBA, 0xE1])],
        closeCode: 1_007),
      ConformanceCase(
        name: "close twice", sent: [close(1_000), close(1_001)], closeCode: 1_000),
      ConformanceCase(
        name: "a ping behind a close", sent: [close(1_000), text("p", 0x89)], closeCode: 1_000),
      ConformanceCase(
        name: "a message behind a close", sent: [close(1_000), text("a")], closeCode: 1_000),
      ConformanceCase(
        name: "a close within a message", sent: [text("a", 0x01), close(1_000), text("b", 0x80)],
        closeCode: 1_000),
    ]

  /// Sections 5.1 and 5.2.
  private static let masks: [ConformanceCase] =
    [UInt8(0x81), 0x82, 0x01, 0x88, 0x89, 0x8A].map { first in
      ConformanceCase(
        name: "a mask where none is wanted, or none where one is, on \(first)",
        sent: [Sent(first: first, payload: [3, 232], isOdd: true)], closeCode: 1_002)
    } + [
      ConformanceCase(
        name: "a length of 16 bits that takes 7",
        sent: [Sent(first: 0, payload: [0x61], header: [0x81, 126, 0, 1])], closeCode: 1_002),
      ConformanceCase(
        name: "a length of 64 bits that takes 16",
        sent: [Sent(first: 0, payload: [], header: [0x82, 127, 0, 0, 0, 0, 0, 0, 1, 0])],
        closeCode: 1_002),
      ConformanceCase(
        name: "a length of 64 bits and no sign",
        sent: [Sent(first: 0, payload: [], header: [0x82, 127, 255, 0, 0, 0, 0, 0, 1, 0])],
        closeCode: 1_002),
    ]
}
