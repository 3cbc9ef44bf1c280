import Sdp
import Testing

/// What a client tells us of what came: NACK and transport-wide feedback.
@Suite("Feedback")
struct FeedbackTests {
  static let name = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
  static let asked = "a=rtcp-fb:111 transport-cc"

  private func offer(_ attributes: String...) throws -> CallOffer {
    try CallOffer.parse(Sample.offer(media: attributes.map { $0 + "\r\n" }.joined()))
  }

  private func answered(_ offer: CallOffer) -> [Substring] {
    Sample.answer.render(to: offer).split(separator: "\r\n").filter {
      $0.contains("transport") && !$0.hasPrefix("m=")
    }
  }

  @Test(arguments: ["3", "3/sendrecv", "3/recvonly"])
  func transportFeedbackIsTakenForWhatWeSend(id: String) throws {
    for asked in [Self.asked, "a=rtcp-fb:* transport-cc"] {
      let offer = try offer(asked, "a=extmap:\(id) \(Self.name)")
      #expect(offer.spokenLine?.transportSequenceExtension == 3)
      #expect(answered(offer) == [Self.asked[...], "a=extmap:3/sendonly \(Self.name)"])
    }
  }

  /// 15 is no ID of a one-byte header, and 0 is padding (RFC 8285, section 4.2).
  @Test(arguments: [
    "0", "15", "16", "255", "256", "99999999999", "", "x", "-1", "3/sendonly", "3/inactive", "3/",
    "3/recvonly2",
  ])
  func otherIdsAndSidesAreNot(id: String) throws {
    let offer = try offer(Self.asked, "a=extmap:\(id) \(Self.name)")
    #expect(offer.audio[0].transportSequenceExtension == nil)
    #expect(answered(offer) == [])
  }

  @Test func bothHalvesAreNeeded() throws {
    #expect(answered(try offer(Self.asked)) == [])
    #expect(answered(try offer("a=extmap:3 \(Self.name)")) == [])
    #expect(answered(try offer("a=rtcp-fb:0 transport-cc", "a=extmap:3 \(Self.name)")) == [])
    #expect(answered(try offer("a=rtcp-fb:111 transport-ccx", "a=extmap:3 \(Self.name)")) == [])
  }

  @Test func whoReceivesNothingTellsNothing() throws {
    let offer = try offer(Self.asked, "a=extmap:3 \(Self.name)", "a=sendonly")
    #expect(offer.audio[0].transportSequenceExtension == nil)
    #expect(answered(offer) == [])
  }

  @Test func oneIdForTwoExtensionsIsNoId() throws {
    let level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    let offer = try offer(Self.asked, "a=extmap:3 \(level)", "a=extmap:3 \(Self.name)")
    #expect(offer.audio[0].levelExtension == 3)
    #expect(offer.audio[0].transportSequenceExtension == nil)
  }

  @Test func itIsAnsweredWhereWeSpeakAlone() throws {
    let attributes = [Self.asked, "a=extmap:4 \(Self.name)"]
    let offer = try CallOffer.parse(
      AudioLinesTests.offer([
        .init(direction: "sendonly", attributes: attributes),
        .init(direction: "sendrecv", attributes: attributes),
        .init(direction: "sendrecv", attributes: attributes),
      ]))
    #expect(offer.spokenLine?.mediaIndex == 1)
    #expect(offer.spokenLine?.transportSequenceExtension == 4)
    #expect(answered(offer).count == 2)
  }

  @Test func resendsAreAskedForWhereTheClientIsHeard() throws {
    #expect(try offer("a=rtcp-fb:111 nack").asksForResends)
    #expect(!(try offer("a=rtcp-fb:111 nack pli").asksForResends))
    #expect(!(try offer("a=rtcp-fb:111 nack", "a=recvonly").asksForResends))
  }

  /// Chromium 156, Firefox 153 and Pion as they offer themselves: what the answer takes of it.
  @Test(arguments: [
    (Offers.chromium, "111 63", [UInt8(63)], UInt8?(3), false),
    (Offers.chromiumManyLines, "111 63", [63], 4, false),
    (Offers.firefox, "109", [], 7, false), (Offers.pion, "111", [], nil, true),
    (Offers.aiortc, "96", [], nil, false), (Offers.gstreamer, "97", [], nil, false),
  ])
  func ofRealClients(
    text: String, formats: String, red: [UInt8], transport: UInt8?, resends: Bool
  ) throws {
    let offer = try CallOffer.parse(text)
    #expect(offer.heardRedPayloadTypes == red)
    #expect(offer.spokenLine?.transportSequenceExtension == transport)
    #expect(offer.asksForResends == resends)
    let answer = Sample.answer.render(to: offer)
    #expect(answer.contains("m=audio 3478 UDP/TLS/RTP/SAVPF \(formats)\r\n"))
    #expect(answered(offer).count == (transport == nil ? 0 : 2))
  }
}
