import Sdp
import Testing

@Suite("Data channels in SDP")
struct ChannelTests {
  /// An offer of audio and, behind or before it, data channels.
  static func offer(
    line: String = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    attributes: [String] = ["a=sctp-port:5000", "a=max-message-size:262144"],
    group: String = "a=group:BUNDLE 0 1", isFirst: Bool = false
  ) -> String {
    let data = ([line, "a=mid:1"] + attributes).map { $0 + "\r\n" }.joined()
    let text = Sample.offer(
      session: "\(group)\r\n", before: isFirst ? data : "", media: "a=mid:0\r\n")
    return isFirst ? text : text + data
  }

  private func channels(_ text: String) throws -> OfferedChannels? {
    try CallOffer.parse(text).channels
  }

  private func answer(_ text: String) throws -> [Substring] {
    Sample.answer.render(to: try CallOffer.parse(text)).split(separator: "\r\n")
  }

  @Test func whatTheClientTakesIsRead() throws {
    #expect(
      try channels(Self.offer()) == OfferedChannels(mediaIndex: 1, messageBytesMax: 262_144))
    #expect(
      try channels(Self.offer(attributes: []))
        == OfferedChannels(mediaIndex: 1, port: 5_000, messageBytesMax: 65_536))
    #expect(
      try channels(Self.offer(attributes: ["a=sctp-port:6001", "a=max-message-size:0"]))
        == OfferedChannels(mediaIndex: 1, port: 6_001, messageBytesMax: 0))
    // Firefox's, and the largest number that can be written.
    for (text, bytes) in [("1073741823", 1_073_741_823), ("99999999999999999999", 1 << 31)] {
      #expect(
        try channels(Self.offer(attributes: ["a=max-message-size:\(text)"]))?.messageBytesMax
          == bytes)
    }
    #expect(throws: SdpError(.badMessageSize, line: 16)) {
      try channels(Self.offer(attributes: ["a=max-message-size:999999999999999999999"]))
    }
  }

  @Test func theAnswerTakesThemIntoTheGroup() throws {
    let lines = try answer(Self.offer())
    #expect(lines.contains("a=group:BUNDLE 0 1"))
    let start = try #require(
      lines.firstIndex(of: "m=application 3478 UDP/DTLS/SCTP webrtc-datachannel"))
    #expect(
      Array(lines[start...]) == [
        "m=application 3478 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP6 2001:db8::5", "a=mid:1",
        "a=ice-ufrag:1AbCdEfGhIjKlMnOpQrStUv", "a=ice-pwd:pppppppppppppppppppppppppppppppp",
        "a=fingerprint:\(Sample.answer.fingerprint.text)", "a=setup:active", "a=sctp-port:5000",
        "a=max-message-size:262144",
      ])
  }

  @Test func theFirstLineOfTheGroupHasTheCandidates() throws {
    let lines = try answer(Self.offer(group: "a=group:BUNDLE 1 0", isFirst: true))
    #expect(lines.contains("a=group:BUNDLE 1 0"))
    let candidate = try #require(lines.firstIndex { $0.hasPrefix("a=candidate:") })
    let audio = try #require(lines.firstIndex { $0.hasPrefix("m=audio") })
    #expect(candidate < audio)
    #expect(lines.filter { $0.hasPrefix("a=candidate:") }.count == 2)
  }

  @Test(arguments: [
    "m=application 9 DTLS/SCTP 5000", "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    "m=application 9 UDP/BFCP *", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel t140",
  ])
  func otherLinesAreRefused(line: String) throws {
    let offer = Self.offer(line: line, attributes: ["a=sctpmap:5000 webrtc-datachannel 1024"])
    #expect(try channels(offer) == nil)
    let lines = try answer(offer)
    #expect(lines.contains { $0.hasPrefix("m=application 0 ") })
    #expect(lines.contains("a=group:BUNDLE 0"))
  }

  @Test func aTransportOfTheirOwnIsRefused() throws {
    for group in ["a=group:BUNDLE 0", "a=group:LS 0 1"] {
      #expect(try channels(Self.offer(group: group)) == nil)
      #expect(try answer(Self.offer(group: group)).contains { $0.hasPrefix("m=application 0 ") })
    }
  }

  @Test func theFirstOfTwoIsTaken() throws {
    let second = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
    let offer = Self.offer(group: "a=group:BUNDLE 0 1 2") + second
    #expect(try channels(offer)?.mediaIndex == 1)
    #expect(try answer(offer).filter { $0.hasPrefix("m=application 0 ") }.count == 1)
  }

  @Test func realClientsOfferThem() throws {
    #expect(
      try channels(Offers.aiortc) == OfferedChannels(mediaIndex: 1, messageBytesMax: 262_144))
    #expect(
      try channels(Offers.chromiumManyLines)
        == OfferedChannels(mediaIndex: 3, messageBytesMax: 262_144))
  }
}
