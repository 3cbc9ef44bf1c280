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
