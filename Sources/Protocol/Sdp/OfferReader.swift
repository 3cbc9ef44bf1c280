/// Puts an offer together from its lines: first the parts, then what applies to the audio line.
struct OfferReader {
  private var session = OfferSection(line: 1)
  private var sections: [OfferSection] = []

  init(_ text: String) throws(SdpError) {
    let lines = try SdpLine.split(text)
    guard let first = lines.first, first.letter == UInt8(ascii: "v"), Substring(first.value) == "0"
    else { throw SdpError(.noVersion, line: 1) }
    for line in lines {
      switch line.letter {
      case UInt8(ascii: "m"):
        guard sections.count < CallOffer.mediaCountMax else {
          throw SdpError(.tooManyMediaLines, line: line.number)
        }
        sections.append(try OfferSection(mediaLine: line))
      case UInt8(ascii: "a"):
        if sections.isEmpty {
          try session.take(line)
        } else {
          try sections[sections.count - 1].take(line)
        }
      default: break
      }
    }
    try checkMids()
  }

  /// The offer, when everything the call needs is there.
  func offer() throws(SdpError) -> CallOffer {
    let index = try audioIndex()
    let audio = sections[index]
    if session.isLite { throw SdpError(.peerIsLite) }
    let opus = try opus(of: audio)
    guard audio.isRtcpMuxed else { throw SdpError(.noRtcpMux, line: audio.line) }
    // A bundle-only line may leave its transport to the group's first line (RFC 8843, 7.1.3).
    let parts = [audio, tagged(for: audio) ?? audio, session]
    guard let ufrag = parts.lazy.compactMap(\.ufrag).first else { throw SdpError(.noUfrag) }
    guard let pwd = parts.lazy.compactMap(\.pwd).first else { throw SdpError(.noPwd) }
    guard let prints = parts.lazy.map(\.fingerprints).first(where: { !$0.isEmpty }) else {
      throw SdpError(.noFingerprint)
    }
    return CallOffer(
      media: sections.compactMap(\.media), audioIndex: index,
      bundle: bundle(for: audio)?.map(String.init) ?? [], channels: channels(beside: audio),
      iceUfrag: ufrag, icePwd: pwd, fingerprints: prints,
      setup: parts.lazy.compactMap(\.setup).first ?? .actpass,
      direction: audio.direction ?? session.direction ?? .sendrecv, opus: opus,
      usesNack: audio.nackFormats.contains { $0 == "*" || $0 == "\(opus.payloadType)" })
  }

  /// The first audio line that is offered and can carry Opus; with none, the first one's defect.
  private func audioIndex() throws(SdpError) -> Int {
    let offered = sections.indices.filter { isOfferedAudio(sections[$0]) }
    guard let first = offered.first else { throw SdpError(.noAudio) }
    if let usable = offered.first(where: { hasOpus(sections[$0]) && isSecure(sections[$0]) }) {
      return usable
    }
    let name = sections[first].media?.transport ?? ""
    guard isSecure(sections[first]) else {
      throw SdpError(.badProtocol(name), line: sections[first].line)
    }
    throw SdpError(.noOpus, line: sections[first].line)
  }

  /// The first line of data channels in the audio line's group. One that wants a transport of its
  /// own is not taken, nor is the form with `a=sctpmap` that was before RFC 8841.
  private func channels(beside audio: OfferSection) -> OfferedChannels? {
    guard let group = bundle(for: audio) else { return nil }
    for (index, section) in sections.enumerated() {
      guard let media = section.media, media.kind == "application",
        media.isOffered || section.isBundleOnly,
        media.transport == "UDP/DTLS/SCTP" || media.transport == "TCP/DTLS/SCTP",
        media.formats == ["webrtc-datachannel"], let mid = media.mid,
        group.contains(mid[...])
      else { continue }
      return OfferedChannels(
        mediaIndex: index, port: section.sctpPort ?? 5_000,
        messageBytesMax: section.messageBytesMax ?? OfferedChannels.messageBytesDefault)
    }
    return nil
  }

  private func isOfferedAudio(_ section: OfferSection) -> Bool {
    guard let media = section.media, media.kind == "audio" else { return false }
    return media.isOffered || section.isBundleOnly
  }

  private func isSecure(_ section: OfferSection) -> Bool {
    // JSEP wants all four spellings taken (RFC 9429, section 5.1.2); DTLS is used for each.
    switch section.media?.transport {
    case "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP": true
    default: false
    }
  }

  private func hasOpus(_ section: OfferSection) -> Bool { opusType(of: section) != nil }

  private func opusType(of section: OfferSection) -> Int? {
    let types = section.maps.lazy.filter { $0.encoding == "opus/48000/2" }.map(\.payloadType)
    return types.first { section.media?.formats.contains("\($0)") ?? false }
  }

  private func opus(of section: OfferSection) throws(SdpError) -> OfferedOpus {
    guard let type = opusType(of: section) else { throw SdpError(.noOpus, line: section.line) }
    var opus = OfferedOpus(payloadType: UInt8(type))
    for entry in section.parameters where entry.payloadType == type {
      for pair in entry.text.split(separator: ";") {
        let sides = pair.split(separator: "=", maxSplits: 1)
        guard sides.count == 2, let key = words(sides[0]).first, let value = words(sides[1]).first
        else { continue }
        opus.set(lowercased(key), value)
      }
    }
    return opus
  }

  private func bundle(for section: OfferSection) -> [Substring]? {
    guard let mid = section.media?.mid else { return nil }
    return session.bundles.first { $0.contains(Substring(mid)) }
  }

  private func tagged(for section: OfferSection) -> OfferSection? {
    guard let mid = bundle(for: section)?.first else { return nil }
    return sections.first { $0.media?.mid == String(mid) }
  }

  private func checkMids() throws(SdpError) {
    var seen: Set<String> = []
    for section in sections {
      guard let mid = section.media?.mid else { continue }
      guard seen.insert(mid).inserted else { throw SdpError(.badMid, line: section.line) }
    }
  }
}

extension OfferedOpus {
  /// Takes one parameter of `a=fmtp` (RFC 7587, section 6.1); unknown ones are passed over.
  fileprivate mutating func set(_ key: String, _ value: Substring) {
    switch key {
    case "useinbandfec": usesInbandFec = value == "1"
    case "maxaveragebitrate": averageBitrateMax = number(value, max: 510_000)
    default: break
    }
  }
}
