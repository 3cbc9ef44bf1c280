import Dtls
import Testing
import Wire

/// Datagrams that somebody sends who knows both addresses of a call but none of its keys.
struct Forgery: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]

  var testDescription: String { name }

  init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  /// A DTLS record; `sequence` is far from those of the honest peer.
  static func record(
    type: UInt8, epoch: UInt8 = 0, sequence: UInt8 = 200, length: Int? = nil, _ body: [UInt8]
  ) -> [UInt8] {
    let count = length ?? body.count
    return [type, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, sequence]
      + [UInt8(count >> 8), UInt8(count & 255)] + body
  }

  /// A handshake record with one fragment.
  static func handshake(
    type: UInt8, sequence: UInt8, length: Int? = nil, offset: Int = 0, _ body: [UInt8]
  ) -> [UInt8] {
    func three(_ value: Int) -> [UInt8] {
      [UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
    return record(
      type: 22,
      [type] + three(length ?? body.count) + [0, sequence] + three(offset) + three(body.count)
        + body)
  }

  static let random60: [UInt8] = {
    var random = SeededRandom(seed: 77)
    return (0..<60).map { _ in UInt8.random(in: 0...255, using: &random) }
  }()

  static let alerts = [
    Forgery("fatal alert", record(type: 21, [2, 40])),
    Forgery("close_notify", record(type: 21, [1, 0])),
    Forgery("alert marked as protected", record(type: 21, epoch: 1, [2, 40])),
  ]

  static let garbage = [
    Forgery("60 random bytes as handshake", record(type: 22, random60)),
    Forgery("60 random bytes", random60),
    Forgery("truncated record", record(type: 22, length: 900, random60)),
    Forgery("empty record", record(type: 22, [])),
    Forgery("unknown content", record(type: 24, random60)),
    Forgery("application data in clear", record(type: 23, random60)),
    Forgery("ChangeCipherSpec", record(type: 20, [1])),
    Forgery("wrong ChangeCipherSpec", record(type: 20, [2])),
    Forgery("forged Finished", record(type: 22, epoch: 1, Array(random60.prefix(48)))),
    Forgery("forged protected data", record(type: 23, epoch: 1, random60)),
    Forgery("epoch 7", record(type: 22, epoch: 7, random60)),
  ]

  /// The Certificate message of a stranger, as it was seen in another handshake.
  private static func certificate(to end: LossyWire.End) -> [UInt8] {
    guard
      let wire = try? LossyWire(
        makeEndpoint(
          .active, identity: identityOfImpostor, fingerprints: [identityOfB.fingerprint()]),
        makeEndpoint(
          .passive, identity: end == .a ? identityOfImpostor : identityOfB,
          fingerprints: [identityOfImpostor.fingerprint()]))
    else { return [] }
    wire.startBoth()
    wire.run(untilMilliseconds: 20)
    for datagram in wire.sent where datagram.to == end {
      var rest = datagram.bytes[...]
      while rest.count > 13 {
        let start = rest.startIndex
        let length = 13 + Int(rest[start + 11]) * 256 + Int(rest[start + 12])
        if rest[start] == 22, rest[start + 13] == 11 { return Array(rest.prefix(length)) }
        rest = rest.dropFirst(length)
      }
    }
    return []
  }

  /// A hello's body up to and with the random: version, 32 bytes, empty session ID.
  private static let helloStart: [UInt8] = [0xFE, 0xFD] + Array(random60.prefix(32)) + [0]

  /// Handshake messages of the right form for a passive end.
  static let toPassive = [
    Forgery(
      "ClientHello, null cipher",
      handshake(
        type: 1, sequence: 0, helloStart + [0, 0, 2, 0, 0, 1, 0])),
    Forgery(
      "ClientHello of 16 MB",
      handshake(
        type: 1, sequence: 0, length: 0xFFFFFF, random60)),
    Forgery(
      "ClientHello out of place",
      handshake(
        type: 1, sequence: 5, helloStart + [0, 0, 2, 0, 0, 1, 0])),
    Forgery("Certificate, not one", handshake(type: 11, sequence: 1, [0, 0, 5, 0, 0, 2, 1, 2])),
    Forgery("Certificate, empty", handshake(type: 11, sequence: 1, [0, 0, 0])),
    Forgery(
      "Certificate, half, wrong",
      handshake(
        type: 11, sequence: 1, length: 700, offset: 400, random60)),
    Forgery("Certificate of a stranger", certificate(to: .b)),
    Forgery(
      "ClientKeyExchange, wrong point",
      handshake(
        type: 16, sequence: 2, [65] + [UInt8](repeating: 4, count: 65))),
    Forgery(
      "CertificateVerify, wrong",
      handshake(
        type: 15, sequence: 3, [4, 3, 0, 60] + random60)),
    Forgery("ServerHello", handshake(type: 2, sequence: 0, helloStart + [0xC0, 0x2B, 0])),
    Forgery("Finished in clear", handshake(type: 20, sequence: 4, Array(random60.prefix(12)))),
  ]

  /// Asks for a hello with a cookie: the version, and the cookie behind its length.
  static func verifyRequest(cookie: [UInt8]) -> [UInt8] {
    handshake(type: 3, sequence: 0, [0xFE, 0xFF, UInt8(cookie.count)] + cookie)
  }

  /// Handshake messages of the right form for an active end.
  static let toActive = [
    Forgery("HelloVerifyRequest", verifyRequest(cookie: Array(random60.prefix(20)))),
    Forgery("HelloVerifyRequest, no cookie", verifyRequest(cookie: [])),
    Forgery(
      "HelloVerifyRequest, half",
      handshake(type: 3, sequence: 0, length: 23, [0xFE, 0xFF, 20, 1, 2, 3])),
    Forgery("HelloVerifyRequest, no form", handshake(type: 3, sequence: 0, random60)),
    Forgery(
      "ServerHello, cipher not offered",
      handshake(
        type: 2, sequence: 0, helloStart + [0, 0, 0])),
    Forgery(
      "ServerHello, of the right form",
      handshake(
        type: 2, sequence: 0, helloStart + [0xC0, 0x2B, 0, 0, 0])),
    Forgery("ServerHello of 16 MB", handshake(type: 2, sequence: 0, length: 0xFFFFFF, random60)),
    Forgery("Certificate, not one", handshake(type: 11, sequence: 1, [0, 0, 5, 0, 0, 2, 1, 2])),
    Forgery(
      "Certificate, half, wrong",
      handshake(
        type: 11, sequence: 1, length: 700, offset: 400, random60)),
    Forgery("Certificate of a stranger", certificate(to: .a)),
    Forgery("ServerKeyExchange, wrong", handshake(type: 12, sequence: 2, random60)),
    Forgery("CertificateRequest, wrong", handshake(type: 13, sequence: 3, random60)),
    Forgery("ServerHelloDone", handshake(type: 14, sequence: 4, [])),
    Forgery("HelloRequest", handshake(type: 0, sequence: 0, [])),
    Forgery(
      "ClientHello",
      handshake(
        type: 1, sequence: 0, helloStart + [0, 0, 2, 0xC0, 0x2B, 1, 0])),
    Forgery("NewSessionTicket", handshake(type: 4, sequence: 5, random60)),
  ]
}
