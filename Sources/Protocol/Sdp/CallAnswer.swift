/// The answer to a `CallOffer`: ICE-lite, host candidates, Opus; everything else is rejected.
///
/// Without randomness or clock: what must be unguessable is given by the caller.
package struct CallAnswer: Equatable, Sendable {
  /// A host candidate: where a relay listens for clients.
  package struct Candidate: Equatable, Sendable {
    /// The IP address as text, without brackets.
    package var address: String
    package var port: UInt16

    package init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    var isIPv6: Bool { address.utf8.contains(UInt8(ascii: ":")) }
  }

  /// Our ICE user name fragment: the routing token.
  package var iceUfrag: String
  /// Our ICE password. A secret: it goes to the client and nowhere else.
  package var icePwd: String
  /// Our certificate.
  package var fingerprint: Fingerprint
  /// The relays' public addresses, best first; must not be empty.
  package var candidates: [Candidate]
  /// The SSRC we send with.
  package var ssrc: UInt32
  /// The number of the `o=` line; unguessable by habit, below 2^63 (RFC 9429, section 5.2.1).
  package var sessionNumber: UInt64
  /// Milliseconds of sound per packet, `a=ptime`.
  package var packetMilliseconds = 20

  package init(
    iceUfrag: String, icePwd: String, fingerprint: Fingerprint, candidates: [Candidate],
    ssrc: UInt32, sessionNumber: UInt64
  ) {
    precondition(!candidates.isEmpty, "an ICE-lite answer needs a candidate")
    self.iceUfrag = iceUfrag
    self.icePwd = icePwd
    self.fingerprint = fingerprint
    self.candidates = candidates
    self.ssrc = ssrc
    self.sessionNumber = sessionNumber
  }

  /// The answer's text; every line, the last one too, ends with CRLF (Apple's parser insists).
  package func render(to offer: CallOffer) -> String {
    var lines = sessionLines(offer)
    for (index, media) in offer.media.enumerated() {
      lines += index == offer.audioIndex ? audioLines(offer) : rejectedLines(media)
    }
    return lines.map { $0 + "\r\n" }.joined()
  }

  private func sessionLines(_ offer: CallOffer) -> [String] {
    var lines = [
      "v=0", "o=- \(sessionNumber & 0x7FFF_FFFF_FFFF_FFFF) 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
      "a=ice-lite",
    ]
    // Rejected lines leave the group (RFC 8843, section 7.3.3); audio alone stays.
    if offer.isBundled, let mid = offer.audio.mid { lines.append("a=group:BUNDLE \(mid)") }
    if offer.direction.reversed.sends { lines.append("a=msid-semantic: WMS \(Self.streamName)") }
    return lines
  }

  private func audioLines(_ offer: CallOffer) -> [String] {
    let payload = offer.opus.payloadType
    let first = candidates[0]
    var lines = [
      "m=audio \(first.port) \(offer.audio.transport) \(payload)",
      "c=IN \(first.isIPv6 ? "IP6" : "IP4") \(first.address)",
    ]
    if let mid = offer.audio.mid { lines.append("a=mid:\(mid)") }
    let direction = offer.direction.reversed
    lines += [
      "a=ice-ufrag:\(iceUfrag)", "a=ice-pwd:\(icePwd)", "a=fingerprint:\(fingerprint.text)",
      "a=setup:\(offer.setup.answer.rawValue)", "a=\(direction.rawValue)", "a=rtcp-mux",
      "a=rtpmap:\(payload) opus/48000/2", "a=fmtp:\(payload) minptime=10;useinbandfec=1",
      "a=ptime:\(packetMilliseconds)",
    ]
    if offer.usesNack { lines.append("a=rtcp-fb:\(payload) nack") }
    if direction.sends {
      lines.append("a=msid:\(Self.streamName) \(Self.trackName)")
      lines.append("a=ssrc:\(ssrc) cname:\(Self.streamName)")
    }
    for (index, candidate) in candidates.enumerated() {
      lines.append(candidate.line(index: index))
    }
    lines.append("a=end-of-candidates")
    return lines
  }

  private func rejectedLines(_ media: OfferedMedia) -> [String] {
    var lines = [
      "m=\(media.kind) 0 \(media.transport) \(media.formats.joined(separator: " "))",
      "c=IN IP4 0.0.0.0",
    ]
    if let mid = media.mid { lines.append("a=mid:\(mid)") }
    lines.append("a=inactive")
    return lines
  }

  /// The canonical name and stream of what we send: the same for all calls, it tells nothing.
  package static let streamName = "martlet"
  private static let trackName = "voice"
}

extension CallAnswer.Candidate {
  /// `a=candidate` of a host candidate (RFC 8839, section 5.1); earlier ones are preferred.
  fileprivate func line(index: Int) -> String {
    let localPreference = 65_535 - min(index, 65_535)
    let priority = 126 << 24 | localPreference << 8 | 255
    return "a=candidate:\(index + 1) 1 udp \(priority) \(address) \(port) typ host"
  }
}

extension Direction {
  /// Whether the describer sends.
  package var sends: Bool { self == .sendrecv || self == .sendonly }
}
