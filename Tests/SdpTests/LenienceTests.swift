import Sdp
import Testing

/// What is odd in an offer and no reason to refuse a call.
@Suite("Offers with oddities")
struct LenienceTests {
  /// What the answer would be, the same offer without its oddity being the measure.
  private func expectAsGood(_ text: String, as good: String = Sample.text) throws {
    #expect(try CallOffer.parse(text) == CallOffer.parse(good))
  }

  @Test func blanksAtLineEnds() throws {
    try expectAsGood(Sample.text.replacing("\r\n", with: " \t \r\n"))
    try expectAsGood(Sample.text.replacing("\r\n", with: "  \n"))
    try expectAsGood(Sample.text.replacing("\r\n", with: "\r\r\n"))
    try expectAsGood(Sample.text + "   \r\n\t\r\n")
  }

  @Test func aByteOrderMark() throws {
    try expectAsGood("\u{FEFF}" + Sample.text)
    #expect(throws: SdpError(.noVersion, line: 1)) { _ = try CallOffer.parse("\u{FEFF}") }
    #expect(throws: SdpError(.notALine, line: 1)) {
      _ = try CallOffer.parse("\u{FEFF}\u{FEFF}" + Sample.text)
    }
  }

  @Test(arguments: [
    "opus/16000/1", "opus/48000/1", "opus/48000", "OPUS/8000/1", "opus/24000/2", "opus",
  ])
  func opusUnderAnotherClock(encoding: String) throws {
    let text = Sample.changing("opus/48000/2", to: encoding)
    try expectAsGood(text)
    let answer = Sample.answer.render(to: try CallOffer.parse(text))
    #expect(answer.contains("m=audio 3478 UDP/TLS/RTP/SAVPF 111\r\n"))
    #expect(answer.contains("a=rtpmap:111 opus/48000/2\r\n"))
  }

  @Test func theRightOpusIsTakenBeforeAnOddOne() throws {
    let text =
      Sample.text.replacing("SAVPF 0 111", with: "SAVPF 96 111")
      + "a=rtpmap:96 opus/16000/1\r\n"
    #expect(try CallOffer.parse(text).opus.payloadType == 111)
  }

  /// Each on a line that is rejected anyway.
  @Test(arguments: [
    "a=ice-ufrag:a", "a=ice-pwd:short", "a=fingerprint:sha-256 00", "a=setup:holdconn",
    "a=rtpmap:x", "a=sctp-port:0", "a=max-message-size:x", "a=mid:a b",
    "a=candidate:1 1 udp 1 0.0.0.0 0 typ host",
  ])
  func badValuesOnRejectedLines(attribute: String) throws {
    for kind in ["video 9 UDP/TLS/RTP/SAVPF 96", "application 9 UDP/BFCP *", "audio 9 RTP/AVP 0"] {
      let offer = try CallOffer.parse(Sample.offer(before: "m=\(kind)\r\n\(attribute)\r\n"))
      #expect(offer.audio.map(\.mediaIndex) == [1])
      let answer = Sample.answer.render(to: offer)
      #expect(answer.contains("m=\(kind.replacing(" 9 ", with: " 0 "))\r\n"))
    }
  }

  @Test func badMediaLinesThatAreRejectedAnyway() throws {
    for (line, answered) in [
      ("m=video 70000 UDP/TLS/RTP/SAVPF 96", "m=video 0 UDP/TLS/RTP/SAVPF 96"),
      ("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 0 UDP/TLS/RTP/SAVPF 0"),
    ] {
      let offer = try CallOffer.parse(Sample.offer(before: line + "\r\n"))
      #expect(Sample.answer.render(to: offer).contains(answered + "\r\n"))
    }
    #expect(throws: SdpError(.badMediaLine, line: 5)) {
      _ = try CallOffer.parse(Sample.offer(before: "m=video 9\r\n"))
    }
  }

  @Test func aBadMapOfAnotherCodec() throws {
    try expectAsGood(Sample.offer(media: "a=rtpmap:200 x/8000\r\na=rtpmap:\r\n"))
  }

  /// Where a line leaves its transport to a rejected one, that one's defect is named.
  @Test func aBorrowedTransportIsStillChecked() throws {
    let text = """
      v=0
      a=group:BUNDLE v a
      m=video 9 UDP/TLS/RTP/SAVPF 96
      a=mid:v
      a=ice-ufrag:abc
      m=audio 0 UDP/TLS/RTP/SAVPF 111
      a=mid:a
      a=bundle-only
      a=rtcp-mux
      a=rtpmap:111 opus/48000/2
      """
    #expect(throws: SdpError(.badUfrag, line: 5)) { _ = try CallOffer.parse(text) }
  }
}
