import Signalling
import Testing
import Token

@Suite("Signalling: who may do what")
struct AccessTests {
  private static let key = "sk-martlet-0123456789"
  private static let otherKey = "sk-martlet-9876543210"

  private static func guarded(_ change: (inout SignallingOptions) -> Void = { _ in }) -> Desk {
    Desk {
      $0.access = .keys([key, otherKey])
      change(&$0)
    }
  }

  private static func bearer(_ token: String) -> [(name: String, value: String)] {
    [("authorization", "Bearer \(token)"), ("content-type", "application/sdp")]
  }

  private static func call(_ desk: Desk, _ token: String, later: Int64 = 0) -> ApiOutcome {
    desk.ask(
      "POST", "/v1/realtime/calls", headers: bearer(token), body: Desk.offer, laterSeconds: later)
  }

  @Test(arguments: [
    ("POST", "/v1/realtime/calls"), ("POST", "/v1/realtime/client_secrets"), ("POST", "/whip"),
    ("DELETE", "/whip/rtc_x"), ("PATCH", "/whip/rtc_x"), ("PATCH", "/v1/realtime/calls/rtc_x"),
    ("POST", "/v1/realtime/calls/rtc_x/hangup"), ("GET", "/v1/realtime/calls/rtc_x/stats"),
    ("GET", "/v1/martlet/calls/rtc_x"), ("GET", "/v1/realtime"), ("GET", "/v1/martlet/backends"),
  ])
  func withoutAKeyNothingIsTold(method: String, path: String) {
    let desk = Self.guarded()
    for headers in [
      [], [("authorization", "")], [("authorization", "Bearer")], [("authorization", "Bearer ")],
      [("authorization", "Bearer sk-martlet-012345678")],
      [("authorization", "Bearer \(Self.key)9")], [("authorization", "Basic \(Self.key)")],
      [("authorization", Self.key)], [("authorization", "Bearer ek_1AAAA")],
      [("x-api-key", Self.key)],
    ] as [[(name: String, value: String)]] {
      let outcome = desk.ask(method, path, headers: headers)
      #expect(outcome.response.status == 401, "\(headers)")
      #expect(outcome.response.header("WWW-Authenticate") == "Bearer realm=\"martlet\"")
      #expect(outcome.response.header("Access-Control-Allow-Origin") == "*")
      #expect(Desk.text(outcome).contains(#""code":"invalid_api_key""#))
    }
  }

  @Test(arguments: ["/healthz", "/", "/page.js"])
  func whatIsNoSecretNeedsNoKey(path: String) {
    #expect(Self.guarded().ask("GET", path).response.status == 200)
  }

  @Test(arguments: [
    "Bearer sk-martlet-0123456789", "bearer sk-martlet-9876543210",
    "BEARER   sk-martlet-0123456789",
  ])
  func aKeyLetsIn(field: String) {
    let headers = [(name: "authorization", value: field), ("content-type", "application/sdp")]
    let outcome = Self.guarded().ask(
      "POST", "/v1/realtime/calls", headers: headers, body: Desk.offer)
    #expect(outcome.response.status == 201)
  }

  @Test func aClientSecretBeginsCallsAndNothingMore() throws {
    let desk = Self.guarded()
    let secret = try Secret(desk, Self.bearer(Self.key), #"{"session":{"model":"m"}}"#)
    guard case .create(let plan, let response) = Self.call(desk, secret.value) else {
      Issue.record("no call")
      return
    }
    #expect(response.status == 201)
    #expect(plan.session == Array(#"{"model":"m"}"#.utf8))
    // One secret may begin several calls; each call outlives it.
    #expect(Self.call(desk, secret.value, later: 599).response.status == 201)
    desk.directory.living = [plan.reference]
    let path = "/v1/realtime/calls/\(plan.callID.text)"
    let headers = Self.bearer(secret.value)
    #expect(desk.ask("GET", path + "/stats", headers: headers).response.status == 200)
    #expect(desk.ask("POST", path + "/hangup", headers: headers).response.status == 200)
    // What only the application's server may do.
    let more = desk.ask("POST", "/v1/realtime/client_secrets", headers: headers)
    #expect(more.response.status == 403)
    let sideband = desk.upgrade("/v1/realtime?call_id=\(plan.callID.text)", headers: headers)
    guard case .refuse(let refusal) = sideband else {
      Issue.record("a client secret opened a sideband")
      return
    }
    #expect(refusal.status == 403)
  }

  @Test func anExpiredSecretIsToldSo() throws {
    let desk = Self.guarded()
    let secret = try Secret(desk, Self.bearer(Self.key), "")
    let outcome = Self.call(desk, secret.value, later: 600)
    #expect(outcome.response.status == 401)
    #expect(Desk.text(outcome).contains(#""code":"expired_client_secret""#))
  }

  @Test func anotherNodeTakesTheSecret() throws {
    let secret = try Secret(Self.guarded(), Self.bearer(Self.key), "")
    let other = Desk(node: 8) { $0.access = .keys([Self.otherKey]) }
    #expect(Self.call(other, secret.value).response.status == 201)
    let stranger = Desk(seed: 2) { $0.access = .keys([Self.otherKey]) }
    #expect(Self.call(stranger, secret.value).response.status == 401)
  }

  @Test func anOpenDoorStillReadsSecrets() throws {
    let desk = Desk()
    let secret = try Secret(desk, [], #"{"session":{"type":"realtime","model":"m"}}"#)
    guard case .create(let plan, _) = Self.call(desk, secret.value) else {
      Issue.record("no call")
      return
    }
    #expect(plan.session == Array(#"{"type":"realtime","model":"m"}"#.utf8))
    #expect(Self.call(desk, secret.value + "A").response.status == 401)
    // A key where none is asked for is nobody's business.
    #expect(Self.call(desk, "sk-anything").response.status == 201)
  }

  @Test func callersAreCounted() throws {
    let desk = Self.guarded {
      $0.callsPerCallerMax = 3
      $0.callsPerSecretMax = 2
    }
    let secret = try Secret(desk, Self.bearer(Self.key), "").value
    for (token, limit) in [(Self.key, 3), (Self.otherKey, 3), (secret, 2)] {
      guard case .create(let plan, _) = Self.call(desk, token) else {
        Issue.record("no call")
        return
      }
      desk.directory.counts[plan.caller] = limit - 1
      #expect(Self.call(desk, token).response.status == 201)
      desk.directory.counts[plan.caller] = limit
      let refusal = Self.call(desk, token)
      #expect(refusal.response.status == 429)
      #expect(refusal.response.header("Retry-After") != nil)
      #expect(Desk.text(refusal).contains(#""code":"too_many_calls""#))
    }
    #expect(desk.directory.counts.count == 3)
    #expect(Desk().plan("/whip")?.caller == .network("192.0.2.77"))
  }

  /// Whoever has one IPv6 address has all that share its first 64 bits.
  @Test(arguments: [
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("::1", "::/64"), ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"), ("", ""), ("nonsense", "nonsense"),
  ])
  func addressesAreCountedByNetwork(peer: String, network: String) {
    let desk = Desk {
      $0.callsPerCallerMax = 2
      $0.callsPerLoopbackMax = 2
    }
    desk.peer = peer
    #expect(desk.plan("/whip")?.caller == .network(network))
    desk.directory.counts[.network(network)] = 2
    #expect(desk.post("/whip", body: Desk.offer).response.status == 429)
  }

  /// Everybody behind a proxy of this machine has the same address; who has a key is told by it.
  @Test(arguments: [
    ("127.0.0.1", true), ("127.1.2.3", true), ("::1", true), ("::ffff:127.0.0.1", true),
    ("192.0.2.77", false), ("12.7.0.1", false), ("2001:db8::1", false),
  ])
  func loopbackAddressesHaveALimitOfTheirOwn(peer: String, isLoopback: Bool) throws {
    let desk = Desk { $0.callsPerCallerMax = 2 }
    desk.peer = peer
    let caller = try #require(desk.plan("/whip")?.caller)
    desk.directory.counts[caller] = 100
    let status = desk.post("/whip", body: Desk.offer).response.status
    #expect(status == (isLoopback ? 201 : 429))
    let guarded = Self.guarded { $0.callsPerCallerMax = 2 }
    guarded.peer = peer
    guard case .create(let plan, _) = Self.call(guarded, Self.key) else {
      Issue.record("no call")
      return
    }
    guarded.directory.counts[plan.caller] = 2
    #expect(Self.call(guarded, Self.key).response.status == 429)
  }

  @Test func aBrowsersWebSocketBringsItsKeyAsASubprotocol() throws {
    let desk = Self.guarded()
    guard case .create(let plan, _) = Self.call(desk, Self.key) else {
      Issue.record("no call")
      return
    }
    desk.directory.living = [plan.reference]
    let target = "/v1/realtime?call_id=\(plan.callID.text)"
    let offered = "realtime, openai-insecure-api-key.\(Self.key)"
    for headers in [
      [("sec-websocket-protocol", offered)], [("authorization", "Bearer \(Self.key)")],
    ] as [[(name: String, value: String)]] {
      guard case .attach(let call) = desk.upgrade(target, headers: headers)
      else {
        Issue.record("not attached: \(headers)")
        continue
      }
      #expect(call == plan.reference)
    }
    for (headers, status) in [
      ([], 401), ([("sec-websocket-protocol", "realtime")], 401),
      ([("sec-websocket-protocol", "openai-insecure-api-key.sk-wrong")], 401),
    ] as [([(name: String, value: String)], UInt16)] {
      guard case .refuse(let refusal) = desk.upgrade(target, headers: headers) else {
        Issue.record("attached: \(headers)")
        continue
      }
      #expect(refusal.status == status)
    }
  }

  @Test(
    arguments: [
      ("/v1/realtime?call_id=rtc_nobody", 404), ("/v1/realtime", 400),
      ("/v1/realtime?model=gpt-realtime", 400), ("/v1/realtime/calls", 404), ("/", 404),
    ] as [(String, UInt16)])
  func otherWebSocketsAreRefused(target: String, status: UInt16) {
    guard case .refuse(let refusal) = Desk().upgrade(target) else {
      Issue.record("attached")
      return
    }
    #expect(refusal.status == status)
    #expect(refusal.header("Content-Type") == "application/json")
  }

  @Test func theSidebandsPathAsksForAnUpgrade() {
    let response = Desk().ask("GET", "/v1/realtime?call_id=rtc_x").response
    #expect(response.status == 426)
    #expect(response.header("Upgrade") == "websocket")
  }
}
