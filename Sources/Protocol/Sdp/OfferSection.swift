/// The attributes of the session part or of one media part, checked line by line.
struct OfferSection {
  /// Nil for the session part.
  var media: OfferedMedia?
  /// The number of the `m=` line; 1 for the session part.
  var line: Int
  var ufrag: String?
  var pwd: String?
  var fingerprints: [Fingerprint] = []
  var setup: Setup?
  var direction: Direction?
  var isLite = false
  var isRtcpMuxed = false
  var isBundleOnly = false
  var maps: [(payloadType: Int, encoding: String)] = []
  var parameters: [(payloadType: Int, text: Substring)] = []
  var nackFormats: [Substring] = []
  var transportFeedbackFormats: [Substring] = []
  /// By which header extension the client takes the transport's sequence numbers.
  var transportSequenceExtension: UInt8?
  /// `a=maxptime`, milliseconds, at least 1.
  var packetMillisecondsMax: Int?
  var bandwidth = OfferedBandwidth()
  /// By which header extension the client tells how loud each packet is (RFC 6464).
  var levelExtension: UInt8?
  /// The first bad value. It matters only where the part is taken: what is rejected anyway is no
  /// reason to refuse a call.
  var defect: SdpError?
  /// The first bad `a=rtpmap`, which may have been meant for Opus.
  var mapDefect: SdpError?
  var sctpPort: UInt16?
  var messageBytesMax: Int?
  /// The mids of each BUNDLE group (session part only).
  var bundles: [[Substring]] = []

  init(line: Int) { self.line = line }

  /// Begins a media part: `<kind> <port>[/<count>] <protocol> <format> ...`. Throws when an answer
  /// could not repeat it.
  init(mediaLine: SdpLine) throws(SdpError) {
    self.init(line: mediaLine.number)
    let fields = words(Substring(mediaLine.value))
    guard fields.count >= 3, fields.allSatisfy({ isMediaField($0) }) else {
      throw SdpError(.badMediaLine, line: mediaLine.number)
    }
    let port = number(fields[1].prefix { $0 != "/" }, max: 65_535)
    let formats = fields[3...].map(String.init)
    if port == nil || formats.isEmpty { defect = SdpError(.badMediaLine, line: line) }
    media = OfferedMedia(
      kind: String(fields[0]), transport: String(fields[2]),
      formats: formats.isEmpty ? ["0"] : formats, mid: nil, isOffered: port != 0)
  }

  /// Takes one `a=` line of this part, and notes what is wrong with it.
  mutating func take(_ line: SdpLine) {
    do throws(SdpError) {
      try read(line)
    } catch {
      defect = defect ?? error
    }
  }

  /// What is unknown is passed over (RFC 8866, section 5.13).
  private mutating func read(_ line: SdpLine) throws(SdpError) {
    let (name, value) = line.attribute
    switch name {
    case "ice-ufrag":
      guard isIceText(value, 4...256) else { throw SdpError(.badUfrag, line: line.number) }
      ufrag = String(value)
    case "ice-pwd":
      guard isIceText(value, 22...256) else { throw SdpError(.badPwd, line: line.number) }
      pwd = String(value)
    case "fingerprint": try takeFingerprint(value, line.number)
    case "setup":
      guard let role = Setup(rawValue: lowercased(value)) else {
        throw SdpError(.badSetup, line: line.number)
      }
      setup = role
    case "sendrecv", "sendonly", "recvonly", "inactive": direction = Direction(rawValue: name)
    case "ice-lite": isLite = true
    case "group": takeGroup(value)
    default: try takeMediaAttribute(name, value, line.number)
    }
  }

  private mutating func takeMediaAttribute(
    _ name: String, _ value: Substring, _ line: Int
  ) throws(SdpError) {
    switch name {
    case "mid":
      guard isToken(value) else { throw SdpError(.badMid, line: line) }
      media?.mid = String(value)
    case "rtcp-mux", "rtcp-mux-only": isRtcpMuxed = true
    case "bundle-only": isBundleOnly = true
    case "rtpmap": takeMap(value, line)
    case "candidate": try ClientCandidate.check(value, line)
    case "extmap": takeExtension(value)
    case "fmtp":
      let (payload, text) = Self.halves(value)
      if let type = number(payload, max: 127) { parameters.append((type, text)) }
    case "rtcp-fb":
      let (payload, text) = Self.halves(value)
      if text == "nack" { nackFormats.append(payload) }
      if text == "transport-cc" { transportFeedbackFormats.append(payload) }
    case "maxptime":
      if let most = number(value, max: 9_999), most > 0 { packetMillisecondsMax = most }
    default: try takeChannelAttribute(name, value, line)
    }
  }

  /// What says something of data channels, on their own line only.
  private mutating func takeChannelAttribute(
    _ name: String, _ value: Substring, _ line: Int
  ) throws(SdpError) {
    guard media?.kind == "application" else { return }
    switch name {
    case "sctp-port":
      guard let port = number(value, max: 65_535), port > 0 else {
        throw SdpError(.badSctpPort, line: line)
      }
      sctpPort = UInt16(port)
    case "max-message-size":
      guard let bytes = size(value) else { throw SdpError(.badMessageSize, line: line) }
      messageBytesMax = bytes
    default: break
    }
  }

  private mutating func takeFingerprint(_ value: Substring, _ line: Int) throws(SdpError) {
    let (name, text) = Self.halves(value)
    guard let hash = Fingerprint.Hash(rawValue: lowercased(name)) else { return }
    guard let fingerprint = Fingerprint(hash, text: text) else {
      throw SdpError(.badFingerprint, line: line)
    }
    guard fingerprints.count < CallOffer.fingerprintCountMax else {
      throw SdpError(.tooManyFingerprints, line: line)
    }
    fingerprints.append(fingerprint)
  }

  private mutating func takeGroup(_ value: Substring) {
    let fields = words(value)
    if fields.first == "BUNDLE" { bundles.append(Array(fields.dropFirst())) }
  }

  private mutating func takeMap(_ value: Substring, _ line: Int) {
    let (payload, encoding) = Self.halves(value)
    guard let type = number(payload, max: 127), !encoding.isEmpty else {
      mapDefect = mapDefect ?? SdpError(.badPayloadMap, line: line)
      return
    }
    maps.append((type, lowercased(encoding)))
  }

  /// `<ID>[/<direction>] <URI> [<attributes>]` (RFC 8285, section 5), of which two are of use here:
  /// one that the client sends, and one that it receives, with an ID that fits one-byte headers.
  private mutating func takeExtension(_ value: Substring) {
    let fields = words(value)
    guard fields.count >= 2 else { return }
    let sides = fields[0].split(separator: "/", omittingEmptySubsequences: false)
    guard let id = number(sides[0], max: 255), id > 0 else { return }
    guard let side = sides.count == 1 ? .sendrecv : Direction(rawValue: String(sides[1])) else {
      return
    }
    switch fields[1] {
    case OfferedAudio.levelExtensionName[...]:
      if side.sends { levelExtension = UInt8(id) }
    case OfferedAudio.transportSequenceName[...]:
      if side.receives, id <= 14 { transportSequenceExtension = UInt8(id) }
    default: break
    }
  }

  /// The text before and after the first run of spaces.
  private static func halves(_ text: Substring) -> (Substring, Substring) {
    let first = text.prefix { $0 != " " }
    return (first, text[first.endIndex...].drop { $0 == " " })
  }
}

/// What may stand in an `m=` line and be repeated in the answer: visible ASCII of decent length.
private func isMediaField(_ text: Substring) -> Bool {
  text.utf8.count <= 64 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
}
