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
          session.take(line)
        } else {
          sections[sections.count - 1].take(line)
        }
      case UInt8(ascii: "b"):
        if sections.isEmpty {
          session.bandwidth.take(line)
        } else {
          sections[sections.count - 1].bandwidth.take(line)
        }
      default: break
      }
    }
    try checkMids()
  }

  /// The offer, when everything the call needs is there.
  func offer() throws(SdpError) -> CallOffer {
    if let defect = session.defect { throw defect }
    let indices = try audioIndices()
    let first = sections[indices[0]]
    if session.isLite { throw SdpError(.peerIsLite) }
    var audio: [OfferedAudio] = []
    for index in indices { audio.append(try offeredAudio(index)) }
    dropClashes(&audio)
    var offer = CallOffer(
      media: sections.compactMap(\.media), audio: audio,
      bundle: bundle(for: first)?.map(String.init) ?? [], channels: try channels(beside: first),
      iceUfrag: "", icePwd: "", fingerprints: [], setup: .actpass)
    try addTransport(to: &offer, beside: first)
    return offer
  }

  /// One transport serves all lines that are taken: that of the first of them in the group (RFC
  /// 8843, section 7.3.1). A bundle-only line may leave it to the group's first line even when that
  /// one is rejected (section 7.1.3).
  private func addTransport(
    to offer: inout CallOffer, beside audio: OfferSection
  ) throws(SdpError) {
    let first = section(called: offer.acceptedGroup.first) ?? audio
    let tagged = section(called: offer.bundle.first)
    let parts = [first, audio, tagged ?? audio, session]
    guard let ufrag = parts.lazy.compactMap(\.ufrag).first else {
      throw tagged?.defect ?? SdpError(.noUfrag)
    }
    guard let pwd = parts.lazy.compactMap(\.pwd).first else {
      throw tagged?.defect ?? SdpError(.noPwd)
    }
    guard let prints = parts.lazy.map(\.fingerprints).first(where: { !$0.isEmpty }) else {
      throw tagged?.defect ?? SdpError(.noFingerprint)
    }
    offer.iceUfrag = ufrag
    offer.icePwd = pwd
    offer.fingerprints = prints
    offer.setup = parts.lazy.compactMap(\.setup).first ?? .actpass
  }

  private func offeredAudio(_ index: Int) throws(SdpError) -> OfferedAudio {
    let section = sections[index]
    let opus = try opus(of: section)
    func isAskedFor(_ formats: [Substring]) -> Bool {
      formats.contains { $0 == "*" || $0 == "\(opus.payloadType)" }
    }
    var audio = OfferedAudio(
      mediaIndex: index, direction: direction(of: section), opus: opus,
      usesNack: isAskedFor(section.nackFormats), levelExtension: section.levelExtension)
    if let red = section.redPayloadType(of: Int(opus.payloadType)) {
      audio.redPayloadType = red
      audio.prefersRed = section.prefers(red, to: Int(opus.payloadType))
    }
    if audio.direction.receives, isAskedFor(section.transportFeedbackFormats),
      section.transportSequenceExtension != section.levelExtension
    {
      audio.transportSequenceExtension = section.transportSequenceExtension
    }
    return audio
  }

  /// A number that is Opus on one line cannot be redundancy on another of the same transport.
  private func dropClashes(_ audio: inout [OfferedAudio]) {
    let types = audio.map(\.opus.payloadType)
    for index in audio.indices {
      guard let red = audio[index].redPayloadType, types.contains(red) else { continue }
      audio[index].redPayloadType = nil
      audio[index].prefersRed = false
    }
  }

  private func direction(of section: OfferSection) -> Direction {
    section.direction ?? session.direction ?? .sendrecv
  }

  /// The audio lines to take: the one that lets most through, and all of its group that can carry
  /// Opus. When there is none, the defect of the first one.
  private func audioIndices() throws(SdpError) -> [Int] {
    let offered = sections.indices.filter { isOfferedAudio(sections[$0]) }
    guard let first = offered.first else { throw SdpError(.noAudio) }
    let usable = offered.filter { defect(of: sections[$0]) == nil }
    let best =
      usable.first { direction(of: sections[$0]) == .sendrecv }
      ?? usable.first { direction(of: sections[$0]) != .inactive } ?? usable.first
    guard let best else { throw defect(of: sections[first]) ?? SdpError(.noAudio) }
    guard let group = bundle(for: sections[best]) else { return [best] }
    return usable.filter { index in
      sections[index].media?.mid.map { group.contains(Substring($0)) } ?? false
    }
  }

  /// Why an audio line cannot be taken; nil when it can.
  private func defect(of section: OfferSection) -> SdpError? {
    guard isSecure(section) else {
      return SdpError(.badProtocol(section.media?.transport ?? ""), line: section.line)
    }
    if let defect = section.defect { return defect }
    guard opusType(of: section) != nil else {
      return section.mapDefect ?? SdpError(.noOpus, line: section.line)
    }
    return section.isRtcpMuxed ? nil : SdpError(.noRtcpMux, line: section.line)
  }

  /// The first line of data channels in the audio line's group. One that wants a transport of its
  /// own is not taken, nor is the form with `a=sctpmap` that was before RFC 8841.
  private func channels(beside audio: OfferSection) throws(SdpError) -> OfferedChannels? {
    guard let group = bundle(for: audio) else { return nil }
    for (index, section) in sections.enumerated() {
      guard let media = section.media, media.kind == "application",
        media.isOffered || section.isBundleOnly,
        media.transport == "UDP/DTLS/SCTP" || media.transport == "TCP/DTLS/SCTP",
        media.formats == ["webrtc-datachannel"], let mid = media.mid,
        group.contains(mid[...])
      else { continue }
      if let defect = section.defect { throw defect }
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

  /// RFC 7587, section 4.1, allows `opus/48000/2` alone, so whatever other clock or number of
  /// channels stands there, nothing else than Opus of RFC 7587 can be meant. Small devices write
  /// what their microphone gives (`opus/16000/1`) and send what the RFC says.
  private func opusType(of section: OfferSection) -> Int? {
    let formats = section.media?.formats ?? []
    let types = section.maps.filter { map in
      map.encoding.split(separator: "/").first == "opus" && formats.contains("\(map.payloadType)")
    }
    return (types.first { $0.encoding == "opus/48000/2" } ?? types.first)?.payloadType
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
    addLimits(to: &opus, of: section)
    return opus
  }

  /// What the line itself says goes before what the session says of all lines.
  private func addLimits(to opus: inout OfferedOpus, of section: OfferSection) {
    let bandwidth = section.bandwidth
    opus.wireBitsPerSecondMax =
      bandwidth.wireBitsPerSecondMax ?? session.bandwidth.wireBitsPerSecondMax
    let most = bandwidth.codecBitsPerSecondMax ?? session.bandwidth.codecBitsPerSecondMax
    opus.averageBitrateMax = [opus.averageBitrateMax, most].compactMap { $0 }.min()
    opus.packetMillisecondsMax = section.packetMillisecondsMax ?? session.packetMillisecondsMax
  }

  private func bundle(for section: OfferSection) -> [Substring]? {
    guard let mid = section.media?.mid else { return nil }
    return session.bundles.first { $0.contains(Substring(mid)) }
  }

  private func section(called mid: String?) -> OfferSection? {
    guard let mid else { return nil }
    return sections.first { $0.media?.mid == mid }
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
