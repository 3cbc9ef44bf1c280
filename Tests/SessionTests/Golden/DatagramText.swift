import Dtls
import Srtp
import TestSupport
import Wire

/// One line about a datagram of the server's: its kind, its length, and what of it is the same in
/// each run.
///
/// - STUN: all of it.
/// - DTLS: the kinds of its records; of application data the length and the SCTP packet within.
///   OpenSSL's randomness is left out, and with it every length that a signature changes.
/// - SRTP and SRTCP: the packet within. A word that begins with `~` depends on libopus's bytes.
struct DatagramText {
  let dtls: TappedDtls
  private var srtp: SrtpContext?
  /// What was said of protected packets: a copy is not taken apart a second time.
  private var seen: [[UInt8]: String] = [:]

  init(_ dtls: TappedDtls) { self.dtls = dtls }

  mutating func line(_ bytes: [UInt8]) -> String {
    switch DatagramKind.classify(firstByte: bytes[0]) {
    case .stun: Self.stun(bytes)
    case .dtls: record(bytes)
    case .media: media(bytes)
    case .other: "other \(bytes.count)"
    }
  }

  // MARK: - STUN (RFC 8489, section 5)

  private static let stunTypes = [
    0x0001: "request", 0x0101: "success", 0x0111: "error", 0x0011: "indication",
  ]

  static func stun(_ bytes: [UInt8]) -> String {
    let type = number(bytes, 0, 2)
    var attributes: [String] = []
    var offset = 20
    while offset + 4 <= bytes.count {
      attributes.append(hex(bytes[offset..<offset + 2]))
      offset += 4 + (number(bytes, offset + 2, 2) + 3) & ~3
    }
    let name = stunTypes[type] ?? String(type, radix: 16)
    return "stun \(name) \(bytes.count) \(hex(bytes[8..<20])) \(attributes.joined(separator: "+")) "
      + Digest.text(bytes)
  }

  // MARK: - DTLS (RFC 6347, section 4.1)

  private static let handshakes = [
    0: "hello-request", 1: "client-hello", 2: "server-hello", 3: "hello-verify-request",
    4: "new-session-ticket", 11: "certificate", 12: "server-key-exchange",
    13: "certificate-request", 14: "server-hello-done", 15: "certificate-verify",
    16: "client-key-exchange", 20: "finished",
  ]

  private func record(_ bytes: [UInt8]) -> String {
    var texts: [String] = []
    var offset = 0
    while offset + 13 <= bytes.count {
      let length = number(bytes, offset + 11, 2)
      let isProtected = number(bytes, offset + 3, 2) > 0
      switch (bytes[offset], isProtected) {
      case (20, _): texts.append("change-cipher-spec")
      case (21, false): texts.append("alert \(hex(bytes[offset + 13..<offset + 15]))")
      case (21, true): texts.append("protected-alert \(length)")
      case (22, false):
        let kind = number(bytes, offset + 13, 1)
        texts.append(Self.handshakes[kind] ?? "handshake-\(kind)")
      case (22, true): texts.append("protected-handshake \(length)")
      case (23, _): texts.append("data \(length) " + sctp())
      default: texts.append("record-\(bytes[offset])")
      }
      offset += 13 + length
    }
    return "dtls " + texts.joined(separator: ", ")
  }

  /// The next SCTP packet that was sent: its chunks' types (RFC 9260, section 3.2).
  private func sctp() -> String {
    guard !dtls.sentInClear.isEmpty else { return "unknown" }
    let packet = dtls.sentInClear.removeFirst()
    var chunks: [String] = []
    var offset = 12
    while offset + 4 <= packet.count {
      chunks.append("\(packet[offset])")
      offset += max(4, (number(packet, offset + 2, 2) + 3) & ~3)
    }
    return "sctp \(packet.count) chunks \(chunks.joined(separator: "+")) \(Digest.text(packet))"
  }

  // MARK: - SRTP

  private mutating func media(_ bytes: [UInt8]) -> String {
    if let text = seen[bytes] { return "again: \(text)" }
    guard let context = context() else { return "media before the keys" }
    let isControl = (192...223).contains(bytes[1])
    var plain = bytes
    var length = bytes.count
    let status = unsafe plain.withUnsafeMutableBytes {
      unsafe isControl
        ? context.unprotectRtcp($0, length: &length) : context.unprotectRtp($0, length: &length)
    }
    guard status == .ok else { return "media that does not open: \(status)" }
    plain.removeLast(plain.count - length)
    let text = (isControl ? Self.rtcp(plain) : Self.rtp(plain)) + " +\(bytes.count - length)"
    seen[bytes] = text
    return text
  }

  /// The peer's end of the session's keys.
  private mutating func context() -> SrtpContext? {
    if let srtp { return srtp }
    guard let agreed = dtls.srtpKeys, let profile = SrtpProfile(rawValue: agreed.profile),
      let keys = SrtpKeys(profile: profile, local: agreed.remote, remote: agreed.local)
    else { return nil }
    srtp = SrtpContext(keys: keys)
    return srtp
  }

  /// RFC 3550, section 5.1.
  private static func rtp(_ bytes: [UInt8]) -> String {
    var header = 12 + 4 * Int(bytes[0] & 15)
    if bytes[0] & 0x10 != 0 { header += 4 + 4 * number(bytes, header + 2, 2) }
    let marker = bytes[1] & 0x80 != 0 ? " marker" : ""
    let payload = bytes[header...]
    return "rtp \(bytes[1] & 0x7F)\(marker) seq \(number(bytes, 2, 2)) ts \(number(bytes, 4, 4)) "
      + "head \(header) \(Digest.text(bytes[..<header])) ~\(payload.count):\(Digest.text(payload))"
  }

  /// RFC 3550, section 6. Sender reports count the bytes of Opus.
  private static func rtcp(_ bytes: [UInt8]) -> String {
    var types: [String] = []
    var offset = 0
    while offset + 4 <= bytes.count {
      types.append("\(bytes[offset + 1])/\(bytes[offset] & 31)")
      offset += 4 + 4 * number(bytes, offset + 2, 2)
    }
    return "rtcp \(types.joined(separator: "+")) \(bytes.count) "
      + (bytes[1] == 200 ? "~" : "") + Digest.text(bytes)
  }
}
