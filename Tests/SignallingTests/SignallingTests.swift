import Sdp
import Signalling
import Testing
import Token
import Wire

@Suite("Signalling: calls")
struct CallTests {
  @Test(arguments: ["/v1/realtime/calls", "/whip"])
  func anOfferMakesACall(path: String) throws {
    let outcome = Desk().post(path, body: Desk.offer)
    guard case .create(let plan, let response) = outcome else {
      Issue.record("not a call: \(outcome.response.status)")
      return
    }
    #expect(response.status == 201)
    #expect(response.header("Content-Type") == "application/sdp")
    #expect(response.header("Location") == "\(path)/\(plan.callID.text)")
    #expect(response.header("Access-Control-Expose-Headers")?.contains("Location") == true)
    #expect(response.header("Access-Control-Allow-Origin") == "*")

    let answer = String(decoding: response.body, as: UTF8.self)
    #expect(answer.contains("a=ice-ufrag:\(plan.localUfrag.text)\r\n"))
    #expect(answer.contains("a=ice-pwd:\(plan.localPwd.text)\r\n"))
    #expect(answer.contains("a=ssrc:\(plan.localSsrc) cname:\(plan.canonicalName)\r\n"))
    #expect(answer.contains(" 2001:db8::5 3478 typ host\r\n"))
    #expect(answer.contains(" 192.0.2.5 3478 typ host\r\n"))
    #expect(answer.hasSuffix("\r\n"))
  }

  @Test func thePlanHoldsWhatTheOfferSaid() throws {
    let plan = try #require(Desk().plan("/v1/realtime/calls?backend=parrot"))
    #expect(plan.remoteUfrag == "abcd")
    #expect(plan.remotePwd == "abcdefghijklmnopqrstuv")
    #expect(plan.fingerprints.map(\.bytes) == [[UInt8](repeating: 0xAB, count: 32)])
    #expect(plan.dtlsRole == .active)
    #expect(plan.opus.payloadType == 111)
    #expect(plan.direction == .sendrecv)
    #expect(plan.backend == "parrot")
    #expect(plan.shard == 3)
  }

  @Test func theTokenNamesTheShard() throws {
    let plan = try #require(Desk().plan("/v1/realtime/calls"))
    let opener = TokenOpener(Desk.keys)
    guard case .valid(let contents) = opener.open(plan.localUfrag, nowMinutes: Desk.minutes)
    else {
      Issue.record("the token does not open")
      return
    }
    #expect(contents.cluster == 9)
    #expect(contents.transceiver == TransceiverID(node: 7, shard: 3))
    #expect(contents.mintedMinutes == Desk.minutes)
  }

  @Test func callsHaveNamesOfTheirOwn() throws {
    let desk = Desk()
    let plans = (0..<50).compactMap { _ in desk.plan("/v1/realtime/calls") }
    #expect(Set(plans.map(\.callID)).count == 50)
    #expect(Set(plans.map(\.localUfrag)).count == 50)
    #expect(Set(plans.map(\.localSsrc)).count == 50)
    #expect(Set(plans.map(\.canonicalName)).count == 50)
    #expect(plans.allSatisfy { $0.canonicalName.utf8.count == 16 })
  }

  @Test func theBackendIsTheFirstOneUnlessChosen() throws {
    #expect(Desk().plan("/whip")?.backend == "echo")
    let refusal = Desk().post("/whip?backend=cloud", body: Desk.offer)
    #expect(
      Desk.text(refusal) == """
        {"error":{"message":"No backend is called cloud; known: echo, parrot.",\
        "type":"invalid_request_error","code":"unknown_backend","param":"backend"}}
        """)
    #expect(refusal.response.status == 400)
  }

  @Test func aFullNodeSaysSo() {
    let refusal = Desk(choice: .full).post("/whip", body: Desk.offer)
    #expect(refusal.response.status == 503)
    #expect(Desk.text(refusal).contains(#""type":"server_error","code":"no_capacity""#))
  }

  @Test func anOverloadedNodeSaysSo() {
    let refusal = Desk(choice: .overloaded).post("/v1/realtime/calls", body: Desk.offer)
    #expect(refusal.response.status == 503)
    #expect(refusal.response.header("Retry-After") == "5")
    #expect(refusal.response.refusal == "overloaded")
    #expect(Desk.text(refusal).contains(#""type":"server_error","code":"overloaded""#))
  }

  @Test func aBadOfferIsToldWhatIsWrong() {
    let refusal = Desk().post("/whip", body: "v=0\r\nm=audio\r\n")
    #expect(refusal.response.status == 400)
    #expect(
      Desk.text(refusal) == """
        {"error":{"message":\
        "SDP offer, line 2: expected m=<kind> <port> <protocol> <formats>",\
        "type":"invalid_request_error","code":"invalid_offer","param":"sdp"}}
        """)
  }

  /// What was sent back to us is no call: we would talk to ourselves.
  @Test(arguments: ["/whip", "/v1/realtime/calls"])
  func aReflectedOfferIsRefused(path: String) throws {
    let own = (0..<32).map { _ in "01" }.joined(separator: ":")
    let others = (0..<32).map { _ in "AB" }.joined(separator: ":")
    let line = "a=fingerprint:sha-256 "
    let start = try #require(Desk.offer.firstRange(of: line + others))
    for prints in [line + own, line + others + "\r\n" + line + own] {
      let offer = Desk.offer[..<start.lowerBound] + prints + Desk.offer[start.upperBound...]
      let refusal = Desk().post(path, body: String(offer))
      #expect(refusal.response.status == 400)
      #expect(refusal.response.refusal == "reflected_offer")
    }
    guard case .create(_, let answered) = Desk().post(path, body: Desk.offer) else {
      Issue.record("no answer to send back")
      return
    }
    let refusal = Desk().post(path, body: String(decoding: answered.body, as: UTF8.self))
    #expect(refusal.response.status == 400)
    #expect(Desk.text(refusal).contains("ICE-lite"))
  }

  @Test func aCandidateThatNoHostHasIsRefused() {
    for place in ["0.0.0.0 5000", "192.0.2.1 0", "ff02::1 5000"] {
      let line = "a=candidate:1 1 udp 9 \(place) typ host\r\n"
      let refusal = Desk().post("/whip", body: Desk.offer + line)
      #expect(refusal.response.status == 400)
      #expect(refusal.response.refusal == "invalid_offer")
      #expect(Desk.text(refusal).contains("line 14: a=candidate names port 0"))
    }
  }

  @Test func severalLinesMakeOnePlan() throws {
    let line = """
      m=audio 9 UDP/TLS/RTP/SAVPF 96\r
      a=mid:1\r
      a=rtcp-mux\r
      a=rtpmap:96 opus/48000/2\r
      a=sendonly\r

      """
    let start = "v=0\r\na=group:BUNDLE 0 1\r\n"
    let offer = start + Desk.offer.dropFirst("v=0\r\n".count) + "a=mid:0\r\na=recvonly\r\n" + line
    guard case .create(let plan, _) = Desk().post("/whip", body: offer) else {
      Issue.record("no call")
      return
    }
    #expect(plan.direction == .sendrecv)
    #expect(plan.opus.payloadType == 111)
    #expect(plan.heardPayloadTypes == [96])
    #expect(plan.redPayloadTypes == [])
    #expect(plan.redPayloadType == nil)
    #expect(!plan.asksForResends)
    #expect(plan.transportSequenceExtension == nil)
  }

  @Test func whatHelpsAgainstLossIsInThePlan() throws {
    let name = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    let more = """
      a=rtpmap:63 red/48000/2\r
      a=fmtp:63 111/111\r
      a=rtcp-fb:111 nack\r
      a=rtcp-fb:111 transport-cc\r
      a=extmap:5 \(name)\r

      """
    let offer = Desk.offer.replacing("SAVPF 111", with: "SAVPF 111 63") + more
    guard case .create(let plan, _) = Desk().post("/whip", body: offer) else {
      Issue.record("no call")
      return
    }
    #expect(plan.redPayloadTypes == [63])
    #expect(plan.redPayloadType == 63)
    #expect(plan.asksForResends)
    #expect(plan.transportSequenceExtension == 5)
  }

  @Test(arguments: ["", "application/json", "multipart/form-data; boundary=x", "text/plain"])
  func otherMediaTypesAreRefused(type: String) {
    #expect(Desk().post("/whip", type: type, body: Desk.offer).response.status == 415)
  }

  @Test(arguments: ["Application/SDP", "application/sdp; charset=utf-8", " application/sdp "])
  func theMediaTypeIsReadAsHttpSays(type: String) {
    #expect(Desk().post("/whip", type: type, body: Desk.offer).response.status == 201)
  }

  @Test func aHugeOfferIsRefused() {
    let body = String(repeating: "a", count: CallOffer.byteCountMax + 1)
    #expect(Desk().post("/whip", body: body).response.status == 413)
  }
}
