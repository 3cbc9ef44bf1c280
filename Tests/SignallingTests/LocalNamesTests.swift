import Signalling
import Testing
import Token

@Suite("Signalling: by which names a server without keys is called")
struct LocalNamesTests {
  private static let key = "sk-martlet-0123456789"
  private static let given = ["Voice.Example", "[2001:DB8::5]"]

  private static func desk(_ access: Access) -> Desk { Desk { $0.access = access } }

  private static func local() -> Desk { desk(.local(LocalNames(given))) }

  private static func fields(
    host: String?, origin: String?, key: String? = nil
  ) -> [(name: String, value: String)] {
    var fields = [(name: "content-type", value: "application/sdp")]
    if let host { fields.append(("host", host)) }
    if let origin { fields.append(("origin", origin)) }
    if let key { fields.append(("authorization", "Bearer \(key)")) }
    return fields
  }

  private static func call(_ desk: Desk, _ fields: [(name: String, value: String)]) -> ApiOutcome {
    desk.ask("POST", "/v1/realtime/calls", headers: fields, body: Desk.offer)
  }

  @Test(
    arguments: [
      "https://evil.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example",
      "http://127.0.0.1@evil.example", "http://127.0.0.1:80@evil.example", "http://[::1",
      "http://voice.example.evil.example", "http://evilvoice.example", "http://2130706433",
      "http://192.168.0.1", "http://[2001:db8::6]", "null", "", "127.0.0.1", "http://",
    ])
  func pagesOfOtherSitesMakeNoCalls(origin: String) {
    let outcome = Self.call(Self.local(), Self.fields(host: "127.0.0.1:8080", origin: origin))
    #expect(outcome.response.status == 403)
    #expect(Desk.text(outcome).contains(#""code":"foreign_page""#))
    #expect(Desk.text(outcome).contains("--http-name"))
  }

  @Test(
    arguments: [
      nil, "http://127.0.0.1:8080", "http://localhost:3000", "http://app.localhost",
      "http://[::1]:8080", "https://voice.example", "http://VOICE.example:81",
      "http://[2001:db8:0::5]:8080", "http://localhost.:8080",
    ] as [String?])
  func pagesOfThisMachineDo(origin: String?) {
    let outcome = Self.call(Self.local(), Self.fields(host: "127.0.0.1:8080", origin: origin))
    #expect(outcome.response.status == 201)
  }

  /// A page that was opened by a name which now means 127.0.0.1 is of the same origin as what it
  /// asks for: only the name tells.
  @Test(
    arguments: [
      "evil.example:8080", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
      "127.0.0.1:x", "127.0.0.1:80@evil.example", "[::1", "[::1]x", "[::2]:8080", "192.168.0.1",
      "10.0.0.1:8080", "0.0.0.0:8080", "127.0.0.1 evil", "evil.example, 127.0.0.1", "2130706433",
      "0x7f000001", "127.1", "", ":8080", ".", "localhostx", "127.0.0.256", "voice.example.evil",
    ])
  func aNameThatMeansThisMachineForNowOpensNothing(host: String) throws {
    let desk = Self.local()
    let fields = Self.fields(host: host, origin: "http://\(host)")
    for (method, path) in [
      ("POST", "/v1/realtime/calls"), ("POST", "/whip"), ("POST", "/v1/realtime/client_secrets"),
      ("DELETE", "/whip/rtc_x"), ("GET", "/v1/martlet/backends"), ("GET", "/"), ("PUT", "/x"),
      ("OPTIONS", "/whip"), ("GET", "/v1/realtime"),
    ] {
      let outcome = desk.ask(method, path, headers: fields, body: Desk.offer)
      #expect(outcome.response.status == 403, "\(method) \(path)")
      #expect(Desk.text(outcome).contains(#""code":"foreign_host""#))
      #expect(Desk.text(outcome).contains("--http-name"))
    }
    guard case .refuse(let refusal) = desk.upgrade("/v1/realtime?call_id=x", headers: fields)
    else {
      Issue.record("a WebSocket was let in")
      return
    }
    #expect(refusal.status == 403)
    #expect(desk.ask("GET", "/healthz", headers: fields).response.status == 200)
    // Elsewhere the name is nobody's business.
    #expect(Self.call(Self.desk(.open), fields).response.status == 201)
    let keyed = Self.fields(host: host, origin: "http://\(host)", key: Self.key)
    #expect(Self.call(Self.desk(.keys([Self.key])), keyed).response.status == 201)
    #expect(Self.call(desk, keyed).response.status == 403, "a key that nobody asked for")
  }

  @Test(
    arguments: [
      "127.0.0.1:8080", "127.9.9.9", "localhost", "LocalHost:80", "localhost.:80", "a.b.localhost",
      "[::1]", "[0:0::1]:8080", "[::ffff:127.0.0.1]", "voice.example", "VOICE.EXAMPLE:443",
      "[2001:db8::5]:8080",
    ])
  func itsOwnNamesDo(host: String) {
    let outcome = Self.call(Self.local(), Self.fields(host: host, origin: "http://\(host)"))
    #expect(outcome.response.status == 201)
  }

  @Test func aRequestWithoutAHostIsMalformed() {
    let fields = Self.fields(host: nil, origin: nil)
    #expect(Self.call(Self.local(), fields).response.status == 400)
    #expect(Self.call(Self.desk(.open), fields).response.status == 201)
  }

  @Test func whatIsNoNameIsNotTaken() {
    for text in ["", "a b", "a:80", "http://a", "[", "[]", "[a]", "::1", "é.example", "a/b"] {
      #expect(LocalNames.name(text) == nil, "\(text)")
    }
    #expect(LocalNames.name(String(repeating: "a", count: 254)) == nil)
    // No beginning of one is a trap either.
    let authority = "[2001:db8::5]:8080"
    for length in 0...authority.count {
      let fields = Self.fields(host: String(authority.prefix(length)), origin: nil)
      let isOurs = length == 13 || length >= 14
      #expect(Self.call(Self.local(), fields).response.status == (isOurs ? 201 : 403))
    }
  }
}
