import Sdp
import Testing

extension Sample {
  static let answer = CallAnswer(
    iceUfrag: "1AbCdEfGhIjKlMnOpQrStUv", icePwd: String(repeating: "p", count: 32),
    fingerprint: Fingerprint(.sha256, bytes: (0..<32).map { UInt8($0) })!,
    candidates: [
      CallAnswer.Candidate(address: "2001:db8::5", port: 3478),
      CallAnswer.Candidate(address: "192.0.2.5", port: 3479),
    ], ssrc: 77, streamName: "Random-16_chars.", sessionNumber: .max)
}

@Suite("Answers")
struct AnswerTests {
  @Test func theWholeTextToASmallOffer() throws {
    let offer = try CallOffer.parse(Sample.text)
    let expected = """
      v=0
      o=- 9223372036854775807 1 IN IP4 127.0.0.1
      s=-
      t=0 0
      a=ice-lite
      a=ice-options:ice2 trickle
      a=msid-semantic: WMS Random-16_chars.
      m=audio 3478 UDP/TLS/RTP/SAVPF 111
      c=IN IP6 2001:db8::5
      a=ice-ufrag:1AbCdEfGhIjKlMnOpQrStUv
      a=ice-pwd:pppppppppppppppppppppppppppppppp
      a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:\
      16:17:18:19:1A:1B:1C:1D:1E:1F
      a=setup:active
      a=sendrecv
      a=rtcp-mux
      a=rtpmap:111 opus/48000/2
      a=fmtp:111 minptime=10;useinbandfec=1
      a=ptime:20
      a=maxptime:60
      a=msid:Random-16_chars. voice
      a=ssrc:77 cname:Random-16_chars.
      a=candidate:1 1 udp 2130706431 2001:db8::5 3478 typ host
      a=candidate:2 1 udp 2130706431 192.0.2.5 3479 typ host
      a=end-of-candidates

      """
    #expect(Sample.answer.render(to: offer) == Offers.crlf(expected))
  }

  @Test(arguments: Offers.all) func everyLineIsAnsweredInOrder(client: Offers.Named) throws {
    let offer = try CallOffer.parse(Offers.crlf(client.text))
    let lines = parts(Sample.answer.render(to: offer))
    let media = lines.filter { $0.hasPrefix("m=") }
    #expect(media.count == offer.media.count)
    for (index, line) in media.enumerated() {
      let fields = line.dropFirst(2).split(separator: " ")
      #expect(fields[0] == offer.media[index].kind)
      let isTaken =
        offer.audio.contains { $0.mediaIndex == index } || index == offer.channels?.mediaIndex
      #expect((fields[1] == "0") == !isTaken)
      #expect(fields[2] == offer.media[index].transport)
    }
    #expect(lines.filter { $0.hasPrefix("a=mid:") } == offer.media.map { "a=mid:\($0.mid ?? "")" })
  }

  @Test func rejectedLinesLeaveTheGroup() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.chromiumManyLines))
    let lines = parts(Sample.answer.render(to: offer))
    #expect(lines.contains("a=group:BUNDLE 1 3"))
    #expect(lines.filter { $0.hasPrefix("m=video 0 ") }.count == 2)
    #expect(lines.filter { $0.hasPrefix("a=ice-ufrag:") }.count == 2)
    #expect(lines.filter { $0.hasPrefix("a=candidate:") }.count == 2)
  }

  @Test(arguments: Offers.all) func everyLineEndsWithCrLf(client: Offers.Named) throws {
    let bytes = Array(Sample.answer.render(to: try CallOffer.parse(client.text)).utf8)
    #expect(bytes.suffix(2) == [13, 10])
    for (index, byte) in bytes.enumerated() where byte == 10 { #expect(bytes[index - 1] == 13) }
  }

  @Test(arguments: [
    ("sendrecv", "a=sendrecv", true), ("sendonly", "a=recvonly", false),
    ("recvonly", "a=sendonly", true), ("inactive", "a=inactive", false),
  ])
  func theDirectionIsTurnedRound(offered: String, answered: String, sends: Bool) throws {
    let offer = try CallOffer.parse(Sample.offer(media: "a=\(offered)\r\n"))
    let lines = parts(Sample.answer.render(to: offer))
    #expect(lines.contains(answered))
    #expect(lines.contains("a=ssrc:77 cname:Random-16_chars.") == sends)
  }

  @Test func nackIsConfirmedOnlyWhenOffered() throws {
    let with = try CallOffer.parse(Sample.offer(media: "a=rtcp-fb:* nack\r\n"))
    #expect(Sample.answer.render(to: with).contains("a=rtcp-fb:111 nack\r\n"))
    let other = try CallOffer.parse(Sample.offer(media: "a=rtcp-fb:0 nack\r\n"))
    #expect(!Sample.answer.render(to: other).contains("nack"))
  }

  /// The whole of an audio line to a browser that offers all that we use.
  @Test func theAudioLineToChromium() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.chromium))
    let lines = parts(Sample.answer.render(to: offer))
    let first = try #require(lines.firstIndex(of: "a=sendrecv"))
    let last = try #require(lines.firstIndex { $0.hasPrefix("a=candidate:") })
    #expect(
      Array(lines[first..<last]) == [
        "a=sendrecv", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1;x-google-min-bitrate=60",
        "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
        "a=ptime:20", "a=maxptime:60", "a=rtcp-fb:111 transport-cc",
        "a=extmap:3/sendonly "
          + "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=msid:Random-16_chars. voice", "a=ssrc:77 cname:Random-16_chars.",
      ])
    #expect(lines.contains("m=audio 3478 UDP/TLS/RTP/SAVPF 111 63"))
  }

  /// Who numbers no packets for us has no estimate that could fall.
  @Test(arguments: [
    ("", true), ("a=extmap:3 http://www.ietf.org/id/draft-holmer", false), ("sendonly", false),
  ])
  func onlyWhoNumbersItsPacketsIsGivenAFloor(without: String, isGiven: Bool) throws {
    let text =
      without == "sendonly"
      ? Offers.chromium.replacing("a=sendrecv", with: "a=sendonly")
      : Offers.chromium.split(separator: "\n", omittingEmptySubsequences: false)
        .filter { without.isEmpty || !$0.contains(without) }.joined(separator: "\n")
    let answer = Sample.answer.render(to: try CallOffer.parse(Offers.crlf(text)))
    #expect(answer.contains(";x-google-min-bitrate=60\r\n") == isGiven)
  }

  @Test func anActiveOffererGetsAPassiveAnswer() throws {
    let offer = try CallOffer.parse(Sample.changing("setup:actpass", to: "setup:active"))
    #expect(Sample.answer.render(to: offer).contains("a=setup:passive\r\n"))
  }

  private func parts(_ text: String) -> [String] {
    text.split(separator: "\r\n").map(String.init)
  }
}
