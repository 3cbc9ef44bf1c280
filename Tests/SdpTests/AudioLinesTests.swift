import Sdp
import Testing

/// Offers with several audio lines: heard on those that send, spoken on one that receives.
@Suite("Several audio lines")
struct AudioLinesTests {
  struct Line {
    var direction: String
    /// Of the `m=` line; nil: `payload` alone.
    var formats: String?
    var payload = 111
    var codec = "opus/48000/2"
    var attributes: [String] = []
  }

  static func offer(_ lines: [Line], bundle: [Int]? = nil) -> String {
    let group = (bundle ?? Array(lines.indices)).map(String.init).joined(separator: " ")
    var text = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE \(group)\n"
    for (index, line) in lines.enumerated() {
      text += """
        m=audio 9 UDP/TLS/RTP/SAVPF \(line.formats ?? "\(line.payload)")
        a=mid:\(index)
        a=ice-ufrag:ufr\(index)
        a=ice-pwd:abcdefghijklmnopqrstu\(index)
        a=fingerprint:sha-256 \(Sample.hash)
        a=setup:actpass
        a=rtcp-mux
        a=\(line.direction)
        a=rtpmap:\(line.payload) \(line.codec)

        """
      text += line.attributes.map { $0 + "\n" }.joined()
    }
    return text
  }

  /// Port and direction of each line of the answer.
  private func answered(_ offer: CallOffer) -> [String] {
    sections(offer).map { section in
      let port = section[0].split(separator: " ")[1]
      let direction = section.first {
        ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"].contains($0)
      }
      return port == "0" ? "rejected" : String(direction?.dropFirst(2) ?? "?")
    }
  }

  private func sections(_ offer: CallOffer) -> [[Substring]] {
    var sections: [[Substring]] = []
    for line in Sample.answer.render(to: offer).split(separator: "\r\n") {
      if line.hasPrefix("m=") { sections.append([]) }
      if !sections.isEmpty { sections[sections.count - 1].append(line) }
    }
    return sections
  }

  /// Captured in the field: silence both ways, before all lines were taken.
  @Test func inactiveFirstThenBothWays() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.inactiveFirst))
    #expect(answered(offer) == ["inactive", "sendrecv"])
    #expect(offer.answerDirection == .sendrecv)
  }

  @Test func receivingFirstThenSending() throws {
    let offer = try CallOffer.parse(Offers.crlf(Offers.receivingFirst))
    #expect(answered(offer) == ["sendonly", "recvonly"])
    #expect(offer.answerDirection == .sendrecv)
  }

  /// Every order of every set of directions: who can be heard is heard, who can hear hears us once.
  @Test func everyOrderIsAnsweredSoThatVoiceFlows() throws {
    let directions = ["sendrecv", "sendonly", "recvonly", "inactive"]
    for first in directions {
      for second in directions {
        for third in directions {
          let offered = [first, second, third]
          let offer = try CallOffer.parse(Self.offer(offered.map { Line(direction: $0) }))
          let lines = answered(offer)
          for (offered, line) in zip(offered, lines) {
            let isSent = offered == "sendrecv" || offered == "sendonly"
            #expect(isSent == (line == "sendrecv" || line == "recvonly"))
          }
          let speaking = lines.indices.filter { ["sendrecv", "sendonly"].contains(lines[$0]) }
          let receiving = offered.firstIndex { $0 == "sendrecv" || $0 == "recvonly" }
          #expect(speaking == [receiving].compactMap { $0 })
          #expect(offer.answerDirection.sends == !speaking.isEmpty)
          let sources = sections(offer).map { $0.contains { $0.hasPrefix("a=ssrc:") } }
          #expect(sources.indices.filter { sources[$0] } == speaking)
        }
      }
    }
  }

  @Test func linesWithoutOpusAreRejectedAndLeaveTheGroup() throws {
    let offer = try CallOffer.parse(
      Self.offer([
        Line(direction: "sendrecv", payload: 0, codec: "PCMU/8000"), Line(direction: "recvonly"),
        Line(direction: "sendonly", attributes: ["a=ice-ufrag:x"]), Line(direction: "sendonly"),
      ]))
    #expect(answered(offer) == ["rejected", "sendonly", "rejected", "recvonly"])
    #expect(offer.acceptedGroup == ["1", "3"])
    #expect(Sample.answer.render(to: offer).contains("a=group:BUNDLE 1 3\r\n"))
    // The transport is that of the first line that stays (RFC 8843, section 7.3.1).
    #expect(offer.iceUfrag == "ufr1")
    #expect(offer.icePwd == "abcdefghijklmnopqrstu1")
  }

  @Test func theGroupsOrderChoosesTheTransport() throws {
    let lines = [Line(direction: "sendrecv"), Line(direction: "inactive")]
    let offer = try CallOffer.parse(Self.offer(lines, bundle: [1, 0]))
    #expect(offer.iceUfrag == "ufr1")
    let candidates = sections(offer).map { $0.filter { $0.hasPrefix("a=candidate:") }.count }
    #expect(candidates == [0, 2])
  }

  /// There is one transport, so of lines that do not share theirs the one is taken that lets most
  /// through.
  @Test(arguments: [
    (["inactive", "sendrecv"], 1), (["recvonly", "sendrecv"], 1), (["inactive", "sendonly"], 1),
    (["recvonly", "sendonly"], 0), (["inactive", "inactive"], 0),
  ])
  func ofLinesWithoutAGroupOneIsTaken(directions: [String], taken: Int) throws {
    let offer = try CallOffer.parse(
      Self.offer(directions.map { Line(direction: $0) }, bundle: [7]))
    #expect(offer.audio.map(\.mediaIndex) == [taken])
    #expect(answered(offer)[1 - taken] == "rejected")
    #expect(!offer.isBundled)
    #expect(offer.iceUfrag == "ufr\(taken)")
  }

  @Test func eachLineKeepsItsPayloadType() throws {
    let offer = try CallOffer.parse(
      Self.offer([
        Line(direction: "sendonly", payload: 96), Line(direction: "recvonly", payload: 111),
      ]))
    #expect(offer.heardLines.map(\.opus.payloadType) == [96])
    #expect(offer.opus.payloadType == 111)
    let maps = sections(offer).map { $0.contains("a=rtpmap:111 opus/48000/2") }
    #expect(maps == [false, true])
  }

  /// Who talks is known by RFC 6464 where the client has it on each line; one line needs it not.
  @Test func theLevelIsAskedForWhereSeveralLinesAreHeard() throws {
    let name = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    func answer(_ attributes: [String]...) throws -> (UInt8?, Int) {
      let lines = attributes.map { Line(direction: "sendrecv", attributes: $0) }
      let offer = try CallOffer.parse(Self.offer(lines))
      let asked = sections(offer).joined().filter { $0 == "a=extmap:14 \(name)" }
      return (offer.levelExtension, asked.count)
    }
    let line = ["a=extmap:2 urn:other", "a=extmap:14 \(name)"]
    #expect(try answer(line, line) == (14, 2))
    #expect(try answer(line, ["a=extmap:14/sendonly \(name) vad=on"]) == (14, 2))
    #expect(try answer(line) == (nil, 0))
    #expect(try answer(line, []) == (nil, 0))
    #expect(try answer(line, ["a=extmap:14/recvonly \(name)"]) == (nil, 0))
    #expect(try answer(line, ["a=extmap:3 \(name)"]) == (nil, 0))
    #expect(try answer(["a=extmap:0 \(name)"], ["a=extmap:x \(name)"]) == (nil, 0))
  }
}
