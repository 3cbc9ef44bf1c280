import Json
import Signalling
import Testing

@Suite("Signalling: HTTP manners")
struct MannersTests {
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
    "/nothing", "/v1", "/v1/realtime/", "/v1/realtime/calls/", "/v1/realtime/calls/x/y",
    "/v1/realtime/calls/x/accept", "/v1/realtime/calls//hangup/", "/v1/liver",
    "/whip/a/b", "//", "/page.js/", "/../page.js", "",
  ])
  func unknownPathsAreNotFound(path: String) {
    let response = Desk().ask("GET", path).response
    #expect(response.status == 404)
    #expect(response.header("Access-Control-Allow-Origin") == "*")
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
