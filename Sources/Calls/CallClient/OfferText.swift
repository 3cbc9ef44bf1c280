import Dtls

/// What a caller draws at random for one call. Secret but for the SSRC and the ufrag.
struct CallerSecrets: Sendable {
  let iceUfrag: String
  let icePwd: String
  let ssrc: UInt32
  let sessionNumber: UInt64
  let dtlsSeed: [UInt8]

  init(random: inout some RandomNumberGenerator) {
    iceUfrag = Self.iceText(count: 8, random: &random)
    icePwd = Self.iceText(count: 24, random: &random)
    ssrc = UInt32.random(in: 1...UInt32.max, using: &random)
    sessionNumber = random.next() >> 1
    dtlsSeed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  private static func iceText(count: Int, random: inout some RandomNumberGenerator) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    return String((0..<count).map { _ in letters.randomElement(using: &random)! })
  }
}

/// The SDP offer of one audio line, and of data channels if wanted, as browsers write it (RFC
/// 9429).
enum OfferText {
  static let payloadType = 111
  /// Of redundancy (RFC 2198), as Chromium has it.
  static let redPayloadType = 63
  static let transportSequenceExtension = 3
  static let transportSequenceName =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
  static let channelPort: UInt16 = 5_000
  static let channelMessageBytesMax = 262_144

  static func render(
    secrets: CallerSecrets, fingerprint: DtlsFingerprint, options: CallClientOptions
  ) -> String {
    let hasChannels = !options.channels.isEmpty
    let transport = [
      "c=IN IP4 0.0.0.0", "a=ice-ufrag:\(secrets.iceUfrag)", "a=ice-pwd:\(secrets.icePwd)",
      "a=fingerprint:\(fingerprint.hash.name) \(fingerprint.text)",
      "a=setup:\(options.setup.rawValue)",
    ]
    let session = [
      "v=0", "o=- \(secrets.sessionNumber) 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
      hasChannels ? "a=group:BUNDLE 0 1" : "a=group:BUNDLE 0", "a=msid-semantic: WMS *",
    ]
    let audio =
      ["m=audio 9 UDP/TLS/RTP/SAVPF \(formats(options.red))"] + transport + [
        "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:\(payloadType) opus/48000/2",
        "a=fmtp:\(payloadType) minptime=10;useinbandfec=1",
      ] + protection(options) + ["a=ssrc:\(secrets.ssrc) cname:caller"]
    let channels =
      ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel"] + transport + [
        "a=mid:1", "a=sctp-port:\(channelPort)",
        "a=max-message-size:\(channelMessageBytesMax)",
      ]
    let lines = session + audio + (hasChannels ? channels : [])
    return lines.map { $0 + "\r\n" }.joined()
  }

  private static func formats(_ red: CallClientOptions.Red) -> String {
    switch red {
    case .none: "\(payloadType)"
    case .afterOpus: "\(payloadType) \(redPayloadType)"
    case .beforeOpus: "\(redPayloadType) \(payloadType)"
    }
  }

  /// What helps against loss, as far as the caller offers it.
  private static func protection(_ options: CallClientOptions) -> [String] {
    var lines: [String] = []
    if options.red != .none {
      lines += [
        "a=rtpmap:\(redPayloadType) red/48000/2",
        "a=fmtp:\(redPayloadType) \(payloadType)/\(payloadType)",
      ]
    }
    if options.offersNack { lines.append("a=rtcp-fb:\(payloadType) nack") }
    if options.offersTransportFeedback {
      lines += [
        "a=rtcp-fb:\(payloadType) transport-cc",
        "a=extmap:\(transportSequenceExtension) \(transportSequenceName)",
      ]
    }
    return lines
  }
}
