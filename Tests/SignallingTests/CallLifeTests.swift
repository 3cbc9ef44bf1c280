import Signalling
import Testing
import Token

@Suite("Signalling: the life of a call")
struct CallLifeTests {
  @Test(arguments: [
    ("POST", "/v1/realtime/calls/", "/hangup"), ("DELETE", "/whip/", ""),
  ])
  func aLivingCallIsHungUp(method: String, base: String, end: String) throws {
    let desk = Desk()
    let plan = try #require(desk.plan("/whip"))
    let path = base + plan.callID.text + end
    guard case .respond(let early) = desk.ask(method, path) else {
      Issue.record("a call that does not live was hung up")
      return
    }
    #expect(early.status == 404)

    desk.directory.living = [plan.reference]
    guard case .hangUp(let call, let response) = desk.ask(method, path) else {
      Issue.record("not a hang-up")
      return
    }
    #expect(call == plan.reference)
    #expect(response.status == 200)
  }

  @Test func callsOfOthersAreNotFound() throws {
    let desk = Desk()
    let plan = try #require(desk.plan("/whip"))
    desk.directory.living = [plan.reference]
    for other in [Desk(node: 8), Desk(cluster: 8), Desk(seed: 99)] {
      other.directory.living = [plan.reference]
      #expect(other.ask("DELETE", "/whip/\(plan.callID.text)").response.status == 404)
    }
    // The routing token is not a call ID, though both are sealed with the same contents.
    #expect(desk.ask("DELETE", "/whip/rtc_\(plan.localUfrag.text)").response.status == 404)
    for junk in ["rtc_", "x", plan.callID.text + "A", String(plan.callID.text.dropLast())] {
      #expect(desk.ask("DELETE", "/whip/\(junk)").response.status == 404)
    }
  }

  @Test func theBackendsThatACallMayAskFor() {
    let outcome = Desk().ask("GET", "/v1/martlet/backends")
    #expect(Desk.text(outcome) == #"{"backends":["echo","parrot"]}"#)
  }

  @Test func theFiguresOfALivingCallAreJson() throws {
    let desk = Desk()
    let plan = try #require(desk.plan("/whip"))
    let path = "/v1/martlet/calls/\(plan.callID.text)"
    #expect(desk.ask("GET", path).response.status == 404)
    desk.directory.living = [plan.reference]
    let outcome = desk.ask("GET", path)
    let twin = desk.ask("GET", "/v1/realtime/calls/\(plan.callID.text)/stats")
    #expect(Desk.text(twin) == Desk.text(outcome))
    #expect(outcome.response.header("Cache-Control") == "no-store")
    #expect(Desk.text(outcome) == #"{"id":"\#(plan.callID.text)","shard":3}"#)
  }
}
