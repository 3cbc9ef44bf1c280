import Signalling
import Testing
import Token

/// Two nodes, 7 and 8, that share keys.
@Suite("Signalling: requests that reach the wrong node")
struct ForwardingTests {
  private let owner = Desk(node: 7) { $0.peers = [8] }
  private let other = Desk(node: 8) { $0.peers = [7] }

  private func livingCall() throws -> CallPlan {
    let plan = try #require(owner.plan("/whip"))
    owner.directory.living = [plan.reference]
    return plan
  }

  private func forwarded(
    _ method: String, _ path: String, headers: [(name: String, value: String)] = []
  ) -> Forward? {
    guard case .forward(let forward) = other.ask(method, path, headers: headers) else { return nil }
    return forward
  }

  @Test func theyAreSentToTheOwner() throws {
    let id = try livingCall().callID.text
    for (method, path) in [
      ("POST", "/v1/realtime/calls/\(id)/hangup"), ("DELETE", "/whip/\(id)"),
      ("PATCH", "/whip/\(id)"), ("GET", "/v1/realtime/calls/\(id)/stats"),
    ] {
      let forward = try #require(forwarded(method, path), "\(method) \(path)")
      #expect(forward.node == 7)
      // The owner takes what has been forwarded.
      let status = owner.ask(method, path, headers: [forward.header]).response.status
      #expect(status == (method == "PATCH" ? 415 : 200))
      // Without a living call there, its 404 is the answer.
      #expect(forward.unreachable.status == 502)
    }
    guard case .forward(let forward) = other.upgrade("/v1/realtime?call_id=\(id)") else {
      Issue.record("a sideband was not forwarded")
      return
    }
    guard
      case .attach = owner.upgrade("/v1/realtime?call_id=\(id)", headers: [forward.header])
    else {
      Issue.record("the owner refused the sideband")
      return
    }
  }

  /// The clocks of two nodes, or their settings, may disagree about who owns a call.
  @Test func nothingIsForwardedTwice() throws {
    let id = try livingCall().callID.text
    let path = "/whip/\(id)"
    let mark = try #require(forwarded("DELETE", path)).header
    #expect(other.ask("DELETE", path, headers: [mark]).response.status == 508)
    // A mark for another method, another call or of another making is none.
    #expect(other.ask("PATCH", path, headers: [mark]).response.status == 502)
    let second = try livingCall().callID.text
    #expect(other.ask("DELETE", "/whip/\(second)", headers: [mark]).response.status == 502)
    for text in [
      "", "1", "1.1000", "1.1000.", "1.1000.zz", "2" + mark.value.dropFirst(),
      String(mark.value.dropLast()), "1.1003" + mark.value.dropFirst(6),
    ] {
      let status = other.ask("DELETE", path, headers: [(mark.name, text)]).response.status
      #expect(status == 502, "\(text)")
    }
    // An old one is none either.
    let late = other.ask("DELETE", path, headers: [mark], laterSeconds: 180)
    #expect(late.response.status == 502)
  }

  @Test func aKeyIsAskedForFirst() throws {
    let id = try livingCall().callID.text
    let guarded = Desk(node: 8) {
      $0.peers = [7]
      $0.access = .keys(["sk-martlet-0123456789"])
    }
    #expect(guarded.ask("DELETE", "/whip/\(id)").response.status == 401)
  }

  @Test func callsOfUnknownNodesAreNotFound() throws {
    let id = try livingCall().callID.text
    let lonely = Desk(node: 8)
    #expect(lonely.ask("DELETE", "/whip/\(id)").response.status == 404)
    let stranger = Desk(cluster: 10, node: 8) { $0.peers = [7] }
    #expect(stranger.ask("DELETE", "/whip/\(id)").response.status == 404)
    #expect(
      other.ask("DELETE", "/whip/rtc_\(String(repeating: "A", count: 23))").response.status
        == 404)
  }
}
