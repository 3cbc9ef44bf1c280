import Sdp
import Testing

/// Redundant audio (RFC 2198) made of Opus.
@Suite("Redundancy")
struct RedundancyTests {
  private static func offer(
    formats: String = "111 63", map: String = "63 red/48000/2", parameters: [String] = ["111/111"]
  ) throws -> CallOffer {
    let lines = ["a=rtpmap:\(map)"] + parameters.map { "a=fmtp:63 \($0)" }
    let text = Sample.offer(media: lines.map { $0 + "\r\n" }.joined())
    return try CallOffer.parse(text.replacing("SAVPF 0 111", with: "SAVPF \(formats)"))
  }

  private func answered(_ offer: CallOffer) -> [Substring] {
    Sample.answer.render(to: offer).split(separator: "\r\n").filter { line in
      ["m=", "a=rtpmap:", "a=fmtp:"].contains { line.hasPrefix($0) }
    }
  }

  /// The order of the `m=` line is the client's wish, and the answer's is what it will send.
  @Test(arguments: [("111 63", false), ("63 111", true), ("0 63 8 111 13", true)])
  func theOffersOrderIsKept(formats: String, isFirst: Bool) throws {
    let offer = try Self.offer(formats: formats)
    #expect(offer.audio[0].redPayloadType == 63)
    #expect(offer.audio[0].prefersRed == isFirst)
    #expect(offer.heardRedPayloadTypes == [63])
    #expect(
      answered(offer) == [
        isFirst
          ? "m=audio 3478 UDP/TLS/RTP/SAVPF 63 111" : "m=audio 3478 UDP/TLS/RTP/SAVPF 111 63",
        "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
      ])
  }

  @Test(arguments: [
    [], ["111/111"], ["111/111/111"], ["111/111/111/111"], ["111/111", "111/111/111"],
  ])
  func blocksOfOpusAreTaken(parameters: [String]) throws {
    #expect(try Self.offer(parameters: parameters).audio[0].redPayloadType == 63)
  }

  /// Without redundancy a call is still a call: nothing of it refuses an offer.
  @Test(arguments: [
    ["111"], ["111/0"], ["0/111"], ["111/111/111/111/111"], ["111/"], ["/111"], ["111//111"], [""],
    ["111 111"], ["999/999"], ["63/63"], ["111/111/63"], ["111/111", "111/0"], ["-111/111"],
    ["111/111;x=1"], [String(repeating: "111/", count: 9_000) + "111"],
  ])
  func otherBlocksAreNot(parameters: [String]) throws {
    let offer = try Self.offer(parameters: parameters)
    #expect(offer.audio[0].redPayloadType == nil)
    #expect(answered(offer).map(String.init).allSatisfy { !$0.contains("63") })
  }

  @Test(arguments: ["63 RED/48000/2", "63 red/48000", "63 red/48000/1"])
  func itsNameIsReadAsOpusIs(map: String) throws {
    let offer = try Self.offer(map: map)
    #expect(offer.audio[0].redPayloadType == 63)
    #expect(answered(offer).contains("a=rtpmap:63 red/48000/2"))
  }

  @Test(arguments: [
    "63 red/8000", "63 red", "63 redx/48000/2", "63 ulpfec/48000", "128 red/48000/2",
    "x red/48000/2", "64 red/48000/2", "111 red/48000/2",
  ])
  func whatIsNoRedundancyOfOpusIsPassedOver(map: String) throws {
    let offer = try Self.offer(formats: "111 63 64", map: map)
    #expect(offer.audio[0].redPayloadType == nil)
    #expect(!offer.audio[0].prefersRed)
    #expect(offer.heardRedPayloadTypes == [])
  }

  @Test func itMustStandInTheMediaLine() throws {
    #expect(try Self.offer(formats: "111").audio[0].redPayloadType == nil)
  }

  /// What stands first for a number counts.
  @Test func aNumberThatIsGivenTwice() throws {
    #expect(
      try Self.offer(map: "63 red/48000/2\r\na=rtpmap:63 G722/8000").audio[0].redPayloadType == 63)
    #expect(
      try Self.offer(map: "63 G722/8000\r\na=rtpmap:63 red/48000/2").audio[0].redPayloadType == nil)
  }

  @Test func eachLineHasItsOwn() throws {
    let offer = try CallOffer.parse(
      AudioLinesTests.offer([
        .init(direction: "sendonly", payload: 96),
        .init(
          direction: "sendonly", formats: "98 97", payload: 97,
          attributes: ["a=rtpmap:98 red/48000/2", "a=fmtp:98 97/97"]),
        .init(
          direction: "sendrecv", formats: "111 63", attributes: ["a=rtpmap:63 red/48000/2"]),
      ]))
    #expect(offer.heardRedPayloadTypes == [98, 63])
    #expect(offer.spokenLine?.redPayloadType == 63)
    let answer = Sample.answer.render(to: offer)
    #expect(answer.contains("SAVPF 96\r\n"))
    #expect(answer.contains("SAVPF 98 97\r\n"))
    #expect(answer.contains("SAVPF 111 63\r\n"))
  }

  /// One number cannot be both on one transport (RFC 8843, section 9.1).
  @Test func aNumberThatIsOpusElsewhereIsNotTaken() throws {
    let offer = try CallOffer.parse(
      AudioLinesTests.offer([
        .init(direction: "sendrecv", formats: "63 111", attributes: ["a=rtpmap:63 red/48000/2"]),
        .init(direction: "sendrecv", payload: 63),
      ]))
    #expect(offer.audio.map(\.redPayloadType) == [nil, nil])
    #expect(!offer.audio[0].prefersRed)
    #expect(Sample.answer.render(to: offer).contains("SAVPF 111\r\n"))
  }
}
