/// What a call needs to know of a client's SDP offer (RFC 8866, RFC 9429, RFC 8843).
///
/// Sans-IO and without state: text in, value or typed error out. It allocates; offers are read
/// once per call, off the packet path.
package struct CallOffer: Equatable, Sendable {
  /// Longer offers are refused before they are looked at, bytes.
  package static let byteCountMax = 65_536
  /// The most `m=` lines an offer may have; each is repeated in the answer.
  package static let mediaCountMax = 64
  /// The most fingerprints that one description may list for a line; aiortc sends three.
  package static let fingerprintCountMax = 8

  /// All `m=` lines in the offer's order; the answer has the same number in the same order.
  package var media: [OfferedMedia]
  /// The audio lines that are taken, in the offer's order; never empty. All go by one transport.
  package var audio: [OfferedAudio]
  /// The mids of the BUNDLE group that the audio lines belong to, in the offer's order; empty when
  /// there is none, and then there is one audio line only (RFC 8843).
  package var bundle: [String]
  /// The data channels that go by the audio lines' transport; nil when none are offered there.
  package var channels: OfferedChannels?
  /// The client's ICE user name fragment, 4 to 256 ice-chars.
  package var iceUfrag: String
  /// The client's ICE password, 22 to 256 ice-chars. A secret: never in a log.
  package var icePwd: String
  /// The certificates the client may show; never empty.
  package var fingerprints: [Fingerprint]
  /// The DTLS role the client offers.
  package var setup: Setup

  /// Whether the audio lines share their transport.
  package var isBundled: Bool { !bundle.isEmpty }

  /// Reads an offer; the error names the line and the cause.
  package static func parse(_ bytes: [UInt8]) throws(SdpError) -> CallOffer {
    guard bytes.count <= byteCountMax else { throw SdpError(.tooLong) }
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw SdpError(.notText)
    }
    return try OfferReader(text).offer()
  }

  /// Reads an offer given as text.
  package static func parse(_ text: String) throws(SdpError) -> CallOffer {
    try parse(Array(text.utf8))
  }
}

/// One `m=` line of an offer, as much of it as an answer repeats.
package struct OfferedMedia: Equatable, Sendable {
  /// `audio`, `video`, `application` ...
  package var kind: String
  /// For instance `UDP/TLS/RTP/SAVPF`.
  package var transport: String
  /// Payload types, or `webrtc-datachannel`.
  package var formats: [String]
  /// `a=mid`, when the line has one (RFC 5888).
  package var mid: String?
  /// False when the offer itself has switched the line off (port 0 without bundle-only).
  package var isOffered: Bool
}

/// An audio line that is taken.
package struct OfferedAudio: Equatable, Sendable {
  /// Which of the offer's `media` it is.
  package var mediaIndex: Int
  /// What the client wants to do with it.
  package var direction: Direction
  /// How the client names and sets Opus on this line.
  package var opus: OfferedOpus
  /// Whether the client asks for lost Opus packets by NACK (RFC 4585).
  package var usesNack: Bool
  /// The ID, 1...255, of the header extension by which the client tells how loud each packet is
  /// (RFC 6464); nil when it does not.
  package var levelExtension: UInt8?
  /// The payload type of redundancy made of this line's Opus alone (RFC 2198); nil without.
  package var redPayloadType: UInt8?
  /// Whether the client names that before Opus, so would rather have it than bare Opus.
  package var prefersRed = false
  /// The ID, 1...14, of the header extension with sequence numbers that are the transport's, where
  /// the client tells by them what came (`transport-cc`,
  /// draft-holmer-rmcat-transport-wide-cc-extensions-01); nil where it does not receive them.
  package var transportSequenceExtension: UInt8?

  /// The name of that extension.
  static let levelExtensionName = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
  /// The name of the extension with the transport's sequence numbers.
  static let transportSequenceName =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
}

/// Data channels as the client offers them (RFC 8841).
package struct OfferedChannels: Equatable, Sendable {
  /// What the client takes when its offer does not say it, bytes (RFC 8841, section 6.1).
  package static let messageBytesDefault = 65_536

  /// Which of the offer's `media` it is.
  package var mediaIndex: Int
  /// The client's SCTP port, `a=sctp-port`.
  package var port: UInt16
  /// The longest message that the client takes, bytes, `a=max-message-size`; 0 for no limit.
  package var messageBytesMax: Int

  /// The defaults are what an offer means that names no port or no length.
  package init(mediaIndex: Int, port: UInt16 = 5_000, messageBytesMax: Int = messageBytesDefault) {
    self.mediaIndex = mediaIndex
    self.port = port
    self.messageBytesMax = messageBytesMax
  }
}

/// Opus as the client names it (RFC 7587), as far as it changes what we send: that is mono, and
/// nothing during silence, whatever a client says of these.
package struct OfferedOpus: Equatable, Sendable {
  /// The dynamic payload type, 0...127; used in both directions.
  package var payloadType: UInt8
  /// The client can use in-band forward error correction from us.
  package var usesInbandFec = false
  /// The most bits per second of Opus that the client wants to receive, when it says:
  /// `maxaveragebitrate`, or `b=TIAS` (RFC 3890) if that is less.
  package var averageBitrateMax: Int?
  /// The most bits per second that the client wants to receive, headers of every layer included,
  /// when it says: `b=AS` (RFC 8866, section 5.8).
  package var wireBitsPerSecondMax: Int?
  /// The most sound that the client wants in one packet, milliseconds, at least 1, when it says:
  /// `a=maxptime` (RFC 8866, section 6.4).
  package var packetMillisecondsMax: Int?

  /// As where the client sets nothing: no limits, no error correction (RFC 7587, section 6.1).
  package init(payloadType: UInt8) { self.payloadType = payloadType }
}

/// The DTLS roles of `a=setup` (RFC 8842).
package enum Setup: String, Sendable {
  case actpass, active, passive

  /// The answer's role: active towards actpass, so that no ClientHello can be forged and half a
  /// round trip is saved; passive only when the offer insists on active.
  package var answer: Setup { self == .active ? .passive : .active }
}

/// Which way media flows, as seen by the describer (RFC 8866, section 6.7).
package enum Direction: String, Sendable {
  case sendrecv, sendonly, recvonly, inactive

  /// What the describer does.
  package init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }

  /// Whether the describer sends.
  package var sends: Bool { self == .sendrecv || self == .sendonly }
  /// Whether the describer receives.
  package var receives: Bool { self == .sendrecv || self == .recvonly }
}
