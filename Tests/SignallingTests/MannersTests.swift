import Json
import Signalling
import Testing

@Suite("Signalling: HTTP manners")
struct MannersTests {
  private let sdp = [(name: "content-type", value: "application/sdp")]

  @Test(arguments: [
    ("GET", "/v1/realtime/calls", "POST, OPTIONS"),
    ("PUT", "/whip", "POST, OPTIONS"),
    ("GET", "/whip/rtc_x", "PATCH, DELETE, OPTIONS"),
    ("GET", "/v1/realtime/calls/rtc_x", "PATCH, OPTIONS"),
    ("GET", "/v1/realtime/client_secrets", "POST, OPTIONS"),
    ("POST", "/v1/realtime/calls/rtc_x/stats", "GET, HEAD, OPTIONS"),
    ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ("POST", "/", "GET, HEAD, OPTIONS"),
    ("GET", "/v1/realtime/calls/rtc_x/hangup", "POST, OPTIONS"),
  ])
  func wrongMethodsAreToldTheRightOnes(method: String, path: String, allowed: String) {
    let response = Desk().ask(method, path).response
    #expect(response.status == 405)
    #expect(response.header("Allow") == allowed)
  }

  @Test(arguments: [
    "/nothing", "/v1", "/v1/", "/v1/realtime/calls/x/y", "/v1/realtime/calls/x//y",
    "/v1/realtime/calls/x/accept", "/v1/liver", "/whip/a/b", "//", "/page.js/", "/../page.js", "",
    "/v1/realtime//",
  ])
  func unknownPathsAreNotFound(path: String) {
    let response = Desk().ask("GET", path).response
    #expect(response.status == 404)
    #expect(response.header("Access-Control-Allow-Origin") == "*")
  }

  @Test(arguments: [
    ("GET", "/healthz/", 200), ("OPTIONS", "/v1/realtime/calls/", 200),
    ("GET", "/v1/martlet/backends/", 200), ("GET", "/v1/realtime/", 426), ("PUT", "/whip/", 405),
    ("POST", "/v1/realtime/calls/", 400), ("POST", "/v1/realtime/calls/rtc_x/hangup/", 404),
  ])
  func aSlashAtTheEndChangesNothing(method: String, path: String, status: UInt16) {
    let response = Desk().ask(method, path, headers: sdp).response
    #expect(response.status == status)
    let without = Desk().ask(method, String(path.dropLast()), headers: sdp)
    #expect(without.response.status == status)
    #expect(without.response.refusal == response.refusal)
  }

  @Test(arguments: ["gzip", "br, identity", "GZIP", "aws-chunked"])
  func aBodyThatIsEncodedIsRefused(coding: String) {
    for path in ["/v1/realtime/calls", "/whip", "/v1/realtime/client_secrets"] {
      let response = Desk().ask(
        "POST", path, headers: sdp + [("content-encoding", coding)], body: "\u{1F}\u{8B}"
      ).response
      #expect(response.status == 415 && response.refusal == "unsupported_encoding")
      #expect(response.header("Accept-Encoding") == "identity")
    }
    let plain = Desk().ask(
      "POST", "/whip", headers: sdp + [("content-encoding", "Identity")], body: "v=0")
    #expect(plain.response.status == 400)
  }

  /// The next dialect has paths of its own, and no call begins there yet.
  @Test(arguments: [
    ("POST", "/v1/live/sessions"), ("GET", "/v1/live/sessions/live_u0_x/attach"),
    ("POST", "/v1/live/sessions/live_u0_x/hangup"), ("POST", "/v1/live/sessions/live_u0_x/fork"),
    ("OPTIONS", "/v1/live/sessions"),
  ])
  func theLiveApiIsRefusedInWords(method: String, path: String) throws {
    let desk = Desk { $0.access = .keys(["a-key-of-twenty-letters"]) }
    let body = #"{"session":{"model":"m"},"transport":{"type":"webrtc","sdp":"v=0\r\n"}}"#
    let outcome = desk.ask(
      method, path, headers: [("content-type", "application/json")], body: body)
    guard case .respond(let response) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(response.status == 404)
    let error = try JsonValue.parse(response.body)["error"]
    #expect(error?["type"]?.text == "invalid_request_error")
    #expect(error?["code"]?.text == "not_found")
    #expect(error?["message"]?.text?.contains("Live API") == true)
    #expect(error?["message"]?.text?.contains("/v1/realtime/calls") == true)
    guard case .refuse(let refusal) = desk.upgrade(path) else {
      Issue.record("a WebSocket was let in")
      return
    }
    #expect(refusal.status == 404)
  }

  @Test(arguments: [
    ("/v1/realtime/calls", "application/sdp, multipart/form-data"), ("/whip", "application/sdp"),
    ("/v1/realtime/client_secrets", "application/json"),
  ])
  func aPreflightIsAllowed(path: String, accepted: String) {
    // A browser sends no key with it.
    let response = Desk { $0.access = .keys(["a-key-of-twenty-letters"]) }
      .ask("OPTIONS", path).response
    #expect(response.status == 200)
    #expect(response.header("Accept-Post") == accepted)
    #expect(response.header("Access-Control-Allow-Methods") == "POST, OPTIONS")
    let fields = response.header("Access-Control-Allow-Headers") ?? ""
    for name in ["authorization", "content-type", "x-openai-agents-sdk"] {
      #expect(fields.contains(name))
    }
  }

  @Test func thePageComesWithItsPolicy() {
    let page = Desk().ask("GET", "/").response
    #expect(page.status == 200)
    #expect(page.body == Array("<html>".utf8))
    #expect(page.header("Content-Type") == "text/html; charset=utf-8")
    #expect(page.header("Content-Security-Policy")?.contains("script-src 'self'") == true)
    #expect(page.header("X-Content-Type-Options") == "nosniff")
  }

  @Test func anUnchangedFileIsNotSentAgain() throws {
    let tag = try #require(Desk().ask("GET", "/page.js").response.header("ETag"))
    let again = Desk().ask("GET", "/page.js", headers: [("if-none-match", tag)]).response
    #expect(again.status == 304)
    #expect(again.body.isEmpty)
    let other = Desk().ask("GET", "/", headers: [("if-none-match", tag)]).response
    #expect(other.status == 200)
  }

  @Test func healthIsOk() {
    #expect(Desk.text(Desk().ask("GET", "/healthz")) == #"{"status":"ok"}"#)
  }

  @Test func jsonIsEscaped() {
    var object = JsonObject()
    object.add("a\"b", "\\\n\r\t\u{1}é\u{7F}")
    object.add("n", Double.nan)
    object.add("i", -5)
    object.add("b", true)
    object.add("none", nil as String?)
    #expect(
      object.text
        == #"{"a\"b":"\\\n\r\t\u0001é\#u{7F}","n":null,"i":-5,"b":true,"none":null}"#)
  }

  @Test func whateverIsInAPathComesBackAsValidJson() {
    let text = Desk.text(Desk().ask("GET", "/\"},{\"x\n"))
    #expect(text.contains(#""message":"There is nothing at /\"},{\"x\n.","type""#))
  }
}
