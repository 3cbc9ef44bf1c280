import Sdp
import Testing

@Suite("Offers of real clients")
struct OfferTests {
  @Test func chromium() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.chromium))
    #expect(offer.media.count == 1)
    #expect(offer.audio.map(\.mediaIndex) == [0])
    #expect(offer.isBundled)
    #expect(offer.iceUfrag == "mrYR")
    #expect(offer.icePwd == "Wtz1P8/itiZV4eKvx0z/Mytp")
    #expect(offer.fingerprints.map(\.hash) == [.sha256])
    #expect(offer.fingerprints[0].bytes.prefix(3) == [0x34, 0x27, 0x3E])
    #expect(offer.setup == .actpass)
    #expect(offer.audio[0].direction == .sendrecv)
    #expect(offer.opus == expectedOpus(111, usesInbandFec: true))
    #expect(!offer.audio[0].usesNack)
  }

  @Test func firefoxTakesItsFingerprintFromTheSession() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.firefox))
    #expect(offer.iceUfrag == "5c047e19")
    #expect(offer.icePwd == "387abc6fa439c3edb73ec26dffbad435")
    #expect(offer.fingerprints.map { $0.bytes[0] } == [0xE2])
    #expect(offer.opus == expectedOpus(109, usesInbandFec: true))
  }

  @Test func aiortcOffersThreeHashes() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.aiortc))
    #expect(offer.media.map(\.kind) == ["audio", "application"])
    #expect(offer.fingerprints.map(\.hash) == [.sha256, .sha384, .sha512])
    #expect(offer.fingerprints.map(\.bytes.count) == [32, 48, 64])
    #expect(offer.opus.payloadType == 96)
  }

  @Test func audioIsFoundAmongManyLines() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.chromiumManyLines))
    #expect(offer.media.map(\.kind) == ["video", "audio", "video", "application"])
    #expect(offer.audio.map(\.mediaIndex) == [1])
  }

  @Test func pionAsksForLostPackets() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.pion))
    #expect(offer.audio[0].usesNack)
    #expect(offer.iceUfrag == "kBqWZrVJdTzWmLcX")
  }

  @Test func gstreamerSpellsOpusInCapitals() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.gstreamer))
    #expect(offer.opus.payloadType == 97)
    #expect(offer.media[offer.audio[0].mediaIndex].mid == "audio0")
    // NACK for whole pictures is not NACK for packets.
    #expect(!offer.audio[0].usesNack)
  }

  @Test(arguments: Offers.all) func bareLineFeedsAreTaken(client: Offers.Named) throws {
    #expect(try CallOffer.parse(client.text) == CallOffer.parse(Offers.crlf(client.text)))
  }

  private func expectedOpus(
    _ payloadType: UInt8, usesInbandFec: Bool = false
  ) -> OfferedOpus {
    var opus = OfferedOpus(payloadType: payloadType)
    opus.usesInbandFec = usesInbandFec
    return opus
  }
}

@Suite("Offers, the finer points")
struct OfferDetailTests {
  @Test func aBundledLineMayBorrowTheTransportOfTheFirst() throws {
    // JSEP 4.1.3: with max-bundle the later lines have port 0, bundle-only and no transport.
    let text = """
      v=0
      o=- 1 1 IN IP4 0.0.0.0
      s=-
      t=0 0
      a=group:BUNDLE v a
      m=video 9 UDP/TLS/RTP/SAVPF 96
      a=mid:v
      a=ice-ufrag:abcd
      a=ice-pwd:abcdefghijklmnopqrstuv
      a=fingerprint:sha-256 \(Sample.hash)
      a=setup:active
      a=rtcp-mux
      m=audio 0 UDP/TLS/RTP/SAVPF 111
      a=mid:a
      a=bundle-only
      a=rtcp-mux
      a=rtpmap:111 opus/48000/2

      """
    let offer = try CallOffer.parse(text)
    #expect(offer.iceUfrag == "abcd")
    #expect(offer.setup == .active)
    #expect(offer.audio.map(\.mediaIndex) == [1])
  }

  @Test func theFirstUsableAudioLineIsTaken() throws {
    let pcmuFirst = Sample.offer(before: "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n")
    #expect(try CallOffer.parse(pcmuFirst).audio.map(\.mediaIndex) == [1])
    let offFirst = Sample.offer(
      before: "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n")
    #expect(try CallOffer.parse(offFirst).audio.map(\.mediaIndex) == [1])
  }

  @Test func theDirectionMayBeTheSessions() throws {
    func direction(session: String = "", media: String = "") throws -> Direction {
      try CallOffer.parse(Sample.offer(session: session, media: media)).audio[0].direction
    }
    #expect(try direction(session: "a=sendonly\r\n") == .sendonly)
    #expect(try direction(session: "a=sendonly\r\n", media: "a=recvonly\r\n") == .recvonly)
    #expect(try direction() == .sendrecv)
  }

  @Test func opusParametersAreRead() throws {
    let media = "a=fmtp:111 minptime=10; usedtx=1 ;maxaveragebitrate=20000;STEREO=1;odd\r\n"
    let opus = try CallOffer.parse(Sample.offer(media: media)).opus
    #expect(!opus.usesInbandFec)
    #expect(opus.averageBitrateMax == 20_000)
  }

  @Test func oldHashesAreNoHindrance() throws {
    let offer = try CallOffer.parse(
      Sample.offer(media: "a=fingerprint:sha-1 00:11\r\na=fingerprint:md5 what\r\n"))
    #expect(offer.fingerprints.count == 1)
  }

  @Test func aHashIsTheSameInEitherCase() throws {
    let small = Sample.text.replacing(Sample.hash, with: Sample.hash.lowercased())
      .replacing("sha-256", with: "SHA-256")
    #expect(try CallOffer.parse(small).fingerprints == CallOffer.parse(Sample.text).fingerprints)
    #expect(try CallOffer.parse(small).fingerprints[0].text == "sha-256 \(Sample.hash)")
  }

  @Test(arguments: [
    (Setup.actpass, Setup.active), (.passive, .active), (.active, .passive),
  ])
  func theAnswerTakesTheOtherRole(offered: Setup, answered: Setup) {
    #expect(offered.answer == answered)
  }
}

/// A small offer that tests change in one place.
enum Sample {
  static let hash = (0..<32).map { $0 < 16 ? "AB" : "9F" }.joined(separator: ":")

  static let text = offer()

  static func offer(session: String = "", before: String = "", media: String = "") -> String {
    """
    v=0\r
    o=- 1 1 IN IP4 0.0.0.0\r
    s=-\r
    t=0 0\r
    \(session)\(before)m=audio 9 UDP/TLS/RTP/SAVPF 0 111\r
    a=ice-ufrag:abcd\r
    a=ice-pwd:abcdefghijklmnopqrstuv\r
    a=fingerprint:sha-256 \(hash)\r
    a=setup:actpass\r
    a=rtcp-mux\r
    a=rtpmap:111 opus/48000/2\r
    \(media)
    """
  }

  /// The sample with one piece replaced.
  static func changing(_ old: String, to new: String) -> String {
    let changed = text.replacing(old, with: new)
    precondition(changed != text, "nothing was changed")
    return changed
  }
}

extension String {
  /// All occurrences replaced; Foundation's is not used here.
  func replacing(_ old: String, with new: String) -> String {
    var out = ""
    var rest = self[...]
    while let range = rest.firstRange(of: old) {
      out += rest[..<range.lowerBound] + new
      rest = rest[range.upperBound...]
    }
    return out + rest
  }
}
