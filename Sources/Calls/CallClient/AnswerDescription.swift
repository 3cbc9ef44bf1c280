package import Dtls
internal import Ice
package import Wire

/// What a caller needs of the server's SDP answer (RFC 8866, RFC 9429).
package struct AnswerDescription: Sendable {
  package var iceUfrag: String
  package var icePwd: String
  /// The certificates that the server may show; never empty.
  package var fingerprints: [DtlsFingerprint]
  /// The server sends the ClientHello.
  package var isActive: Bool
  /// The server's addresses over UDP, in its order; never empty.
  package var candidates: [TransportAddress]
  /// The payload type that both sides send Opus with.
  package var payloadType: UInt8
  /// That of redundancy (RFC 2198) made of it; nil when the server takes none.
  package var redPayloadType: UInt8?
  /// Whether redundancy stands first, so is what the caller shall send.
  package var prefersRed = false
  /// Whether the server answers and sends NACKs for Opus (RFC 4585).
  package var usesNack = false
  /// The header extension, 1...14, with transport-wide sequence numbers on what the server sends.
  package var transportSequenceExtension: UInt8?
  /// What the server said of data channels; nil when it takes none.
  package var channels: AnsweredChannels?

  /// Reads an answer to an offer of one audio line, and perhaps one of data channels.
  package static func parse(_ text: String) throws(CallClientError) -> AnswerDescription {
    var reader = Reader()
    for line in text.split(whereSeparator: \.isNewline) { reader.read(line) }
    return try reader.description()
  }
}

/// Data channels as an answer has them (RFC 8841).
package struct AnsweredChannels: Hashable, Sendable {
  package var port: UInt16 = 5_000
  /// The longest message that the server takes, bytes; 0 for no limit.
  package var messageBytesMax = 65_536
}

/// Why a call could not be begun, in one sentence.
package struct CallClientError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

private struct Reader {
  var ufrag: String?
  var password: String?
  var fingerprints: [DtlsFingerprint] = []
  var setup: Substring?
  var candidates: [TransportAddress] = []
  var payloadType: UInt8?
  var formats: [Substring] = []
  var redPayloadType: UInt8?
  var nackFormats: [Substring] = []
  var transportSequenceExtension: UInt8?
  var channels: AnsweredChannels?

  mutating func read(_ line: Substring) {
    if let value = line.value(of: "a=ice-ufrag:") { ufrag = String(value) }
    if let value = line.value(of: "a=ice-pwd:") { password = String(value) }
    if let value = line.value(of: "a=setup:") { setup = value }
    if let value = line.value(of: "m=application ") {
      channels = value.hasPrefix("0 ") ? nil : AnsweredChannels()
    }
    if let value = line.value(of: "a=sctp-port:"), let port = UInt16(value) {
      channels?.port = port
    }
    if let value = line.value(of: "a=max-message-size:"), let bytes = Int(value) {
      channels?.messageBytesMax = max(0, bytes)
    }
    readMedia(line)
    if let value = line.value(of: "a=candidate:") { readCandidate(value) }
    if let value = line.value(of: "a=fingerprint:") {
      let words = value.split(separator: " ")
      if words.count == 2, let fingerprint = DtlsFingerprint(hash: words[0], text: words[1]) {
        fingerprints.append(fingerprint)
      }
    }
  }

  /// What says something of sound.
  private mutating func readMedia(_ line: Substring) {
    if let value = line.value(of: "m=audio ") {
      formats = Array(value.split(separator: " ").dropFirst(2))
    }
    if let value = line.value(of: "a=rtpmap:") { readRtpMap(value) }
    if let value = line.value(of: "a=rtcp-fb:") {
      let words = value.split(separator: " ")
      if words.count == 2, words[1] == "nack" { nackFormats.append(words[0]) }
    }
    if let value = line.value(of: "a=extmap:") {
      let words = value.split(separator: " ")
      let id = words.first?.split(separator: "/").first.flatMap { UInt8($0) } ?? 0
      guard words.count >= 2, words[1] == OfferText.transportSequenceName, (1...14).contains(id)
      else { return }
      transportSequenceExtension = id
    }
  }

  private mutating func readRtpMap(_ value: Substring) {
    let words = value.split(separator: " ")
    guard words.count == 2 else { return }
    switch words[1].lowercased() {
    case "opus/48000/2": payloadType = UInt8(words[0])
    case "red/48000/2": redPayloadType = UInt8(words[0]).flatMap { $0 < 128 ? $0 : nil }
    default: break
    }
  }

  /// `foundation component transport priority address port typ host` (RFC 8839, section 5.1).
  private mutating func readCandidate(_ value: Substring) {
    let words = value.split(separator: " ")
    guard words.count >= 8, words[1] == "1", words[2].lowercased() == "udp" else { return }
    let isIPv6 = words[4].contains(":")
    let text = isIPv6 ? "[\(words[4])]:\(words[5])" : "\(words[4]):\(words[5])"
    if let address = TransportAddress(text) { candidates.append(address) }
  }

  func description() throws(CallClientError) -> AnswerDescription {
    guard let ufrag, let password, IceCredentials.ufragBytes.contains(ufrag.utf8.count),
      IceCredentials.passwordBytes.contains(password.utf8.count)
    else { throw missing("ICE credentials") }
    guard !fingerprints.isEmpty else { throw missing("usable fingerprint") }
    guard setup == "active" || setup == "passive" else { throw missing("DTLS role") }
    guard !candidates.isEmpty else { throw missing("UDP candidate") }
    guard let payloadType, payloadType < 128 else { throw missing("Opus payload type") }
    return AnswerDescription(
      iceUfrag: ufrag, icePwd: password, fingerprints: fingerprints, isActive: setup == "active",
      candidates: candidates, payloadType: payloadType, redPayloadType: redPayloadType,
      prefersRed: redPayloadType.map { formats.first == "\($0)" } ?? false,
      usesNack: nackFormats.contains { $0 == "*" || $0 == "\(payloadType)" },
      transportSequenceExtension: transportSequenceExtension, channels: channels)
  }

  private func missing(_ what: String) -> CallClientError {
    CallClientError(description: "the SDP answer has no \(what)")
  }
}

extension Substring {
  /// What follows `prefix`; nil when the line begins otherwise.
  fileprivate func value(of prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }
}
