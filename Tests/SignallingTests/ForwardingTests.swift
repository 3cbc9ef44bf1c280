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
      #expect(status == (method == "PATCH" ? 415 : 200), "\(method) \(path)")
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
    let mark = try #require(forwarded("DELETE", "/whip/\(id)")).header
    #expect(other.ask("DELETE", "/whip/\(id)", headers: [mark]).response.status == 508)
  }

  private static let key = "sk-martlet-0123456789"
  private static let bearer = [(name: "authorization", value: "Bearer \(key)")]

  /// A node that asks for a key, as do those of a cluster.
  private static func guarded(node: UInt16) -> Desk {
    Desk(node: node) {
      $0.peers = [node == 7 ? 8 : 7]
      $0.access = .keys([key])
    }
  }

  private static func call(of owner: Desk) throws -> CallPlan {
    let begun = owner.ask(
      "POST", "/whip", headers: bearer + [("content-type", "application/sdp")], body: Desk.offer)
    guard case .create(let plan, _) = begun else {
      throw Secret.Refused(status: begun.response.status, text: Desk.text(begun))
    }
    owner.directory.living.insert(plan.reference)
    return plan
  }

  @Test func theMarkStandsForTheKeyOnce() throws {
    let (owner, other) = (Self.guarded(node: 7), Self.guarded(node: 8))
    let id = try Self.call(of: owner).callID.text
    let path = "/whip/\(id)"
    #expect(owner.ask("DELETE", path).response.status == 401)
    guard case .forward(let forward) = other.ask("DELETE", path, headers: Self.bearer) else {
      Issue.record("not forwarded")
      return
    }
    let request = ApiRequest(method: "DELETE", path: path, headers: Self.bearer)
    #expect(forward.fields(of: request).map(\.name) == [forward.header.name])
    #expect(owner.ask("DELETE", path, headers: [forward.header]).response.status == 200)
    // Somebody who read along.
    #expect(owner.ask("DELETE", path, headers: [forward.header]).response.status == 401)
    // Figures may be asked for again.
    guard
      case .forward(let figures) = other.ask(
        "HEAD", "/v1/martlet/calls/\(id)", headers: Self.bearer)
    else {
      Issue.record("not forwarded")
      return
    }
    for _ in 0..<3 {
      let status = owner.ask("GET", "/v1/martlet/calls/\(id)", headers: [figures.header])
      #expect(status.response.status == 200)
    }
  }

  @Test func aMarkIsForItsRequestAlone() throws {
    let (owner, other) = (Self.guarded(node: 7), Self.guarded(node: 8))
    let (id, second) = (
      try Self.call(of: owner).callID.text, try Self.call(of: owner).callID.text
    )
    let path = "/whip/\(id)"
    let fields = [(name: "content-type", value: "a/b"), ("if-match", "\"x\"")]
    guard
      case .forward(let forward) = other.ask(
        "PATCH", path, headers: Self.bearer + fields, body: "body")
    else {
      Issue.record("not forwarded")
      return
    }
    let mark = forward.header
    func status(
      _ method: String = "PATCH", _ path: String = path,
      _ given: [(name: String, value: String)] = fields, body: String = "body",
      laterSeconds: Int64 = 0
    ) -> UInt16 {
      owner.ask(method, path, headers: given + [mark], body: body, laterSeconds: laterSeconds)
        .response.status
    }
    #expect(status("DELETE") == 401)
    #expect(status("PATCH", "/whip/\(second)") == 401)
    #expect(status("PATCH", "/v1/realtime/calls/\(id)") == 401)
    #expect(status("PATCH", path, [fields[0]]) == 401)
    #expect(status("PATCH", path, [fields[0], ("if-match", "\"y\"")]) == 401)
    #expect(status("PATCH", path, [("content-type", "a/c"), fields[1]]) == 401)
    #expect(status(body: "Body") == 401)
    #expect(status(body: "") == 401)
    #expect(status(laterSeconds: 180) == 401, "an old one")
    #expect(status(laterSeconds: -180) == 401, "one of the future")
    let parts = mark.value.split(separator: ".").map(String.init)
    var forged = [
      "", ".", "...", "1.1000.0.zz", parts[0...2].joined(separator: "."),
      "2.\(parts[1]).\(parts[2]).\(parts[3])", "\(parts[0]).1001.\(parts[2]).\(parts[3])",
      "\(parts[0]).\(parts[1]).0.\(parts[3])", "\(mark.value).0",
    ]
    forged += (0..<mark.value.count).map { String(mark.value.prefix($0)) }
    for text in forged {
      let answer = owner.ask(
        "PATCH", path, headers: fields + [(mark.name, text)], body: "body")
      #expect(answer.response.status == 401, "\(text)")
    }
    // The request itself is let in, and then it is not one that can be done.
    #expect(status() == 415)
  }

  @Test func aClientSecretIsJudgedWhereItComesIn() throws {
    let (owner, other) = (Self.guarded(node: 7), Self.guarded(node: 8))
    let id = try Self.call(of: owner).callID.text
    let secret = try Secret(other, Self.bearer, "").value
    let target = "/v1/realtime?call_id=\(id)"
    let headers = [(name: "authorization", value: "Bearer \(secret)")]
    guard case .refuse(let refusal) = other.upgrade(target, headers: headers) else {
      Issue.record("a client secret opened a sideband")
      return
    }
    #expect(refusal.status == 403)
    guard case .forward(let forward) = other.upgrade(target, headers: Self.bearer),
      case .attach = owner.upgrade(target, headers: [forward.header]),
      case .refuse(let second) = owner.upgrade(target, headers: [forward.header])
    else {
      Issue.record("a sideband was not let in once")
      return
    }
    #expect(second.status == 401)
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
