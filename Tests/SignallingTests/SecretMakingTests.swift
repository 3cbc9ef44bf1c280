import Json
import Signalling
import Testing
import Token

@Suite("Signalling: making client secrets")
struct SecretMakingTests {
  private func refused(_ body: String) -> (status: UInt16, param: String?)? {
    do {
      _ = try Secret(Desk(), [], body)
      return nil
    } catch let refused as Secret.Refused {
      let error = try? JsonValue.parse(Array(refused.text.utf8))["error"]
      return (refused.status, error?["param"]?.text)
    } catch {
      return nil
    }
  }

  @Test(arguments: [
    ("", 600), ("{}", 600), (#"{"expires_after":null,"session":null}"#, 600),
    (#"{"expires_after":{"anchor":"created_at","seconds":10}}"#, 10),
    (#"{"expires_after":{"seconds":7200}}"#, 7_200), (#"{"expires_after":{}}"#, 600),
  ])
  func itLivesAsLongAsAskedFor(body: String, seconds: Int) throws {
    let secret = try Secret(Desk(), [], body)
    #expect(secret.expiresAt == Int(Desk.unixSeconds) + seconds)
    #expect(secret.value.hasPrefix("ek_"))
    let opened = ClientSecretBox(Desk.keys)
      .open(secret.value, nowUnixSeconds: Desk.unixSeconds + Int64(seconds) - 1)
    guard case .valid = opened else {
      Issue.record("\(opened)")
      return
    }
  }

  @Test func theSessionComesBackWithAnID() throws {
    let session = #"{"instructions":"Say \"é\".","tools":[{"a":{}}] , "temperature":0.8}"#
    let secret = try Secret(Desk(), [], #"{"session":\#(session)}"#)
    #expect(secret.session["type"]?.text == "realtime")
    #expect(secret.session["object"]?.text == "realtime.session")
    #expect(secret.session["id"]?.text?.hasPrefix("sess_") == true)
    #expect(secret.session["instructions"]?.text == "Say \"é\".")
    #expect(secret.session["temperature"] == .real(0.8))
    // What the call will be told is what was sent, byte for byte.
    let opened = ClientSecretBox(Desk.keys).open(secret.value, nowUnixSeconds: Desk.unixSeconds)
    guard case .valid(let contents) = opened else {
      Issue.record("\(opened)")
      return
    }
    #expect(contents.payload == Array(session.utf8))
  }

  @Test(arguments: [
    "{}", #"{"type":"realtime"}"#, #" { "id" : "x", "object":"o", "type":"transcription" } "#,
  ])
  func anyObjectIsDescribed(session: String) throws {
    let secret = try Secret(Desk(), [], #"{"session":\#(session)}"#)
    for name in ["type", "object", "id"] { #expect(secret.session[name]?.text != nil) }
  }

  @Test(arguments: [
    ("[]", nil), ("{", nil), ("\"x\"", nil), ("{}x", nil),
    (#"{"session":[]}"#, "session"), (#"{"session":"x"}"#, "session"),
    (#"{"session":{"type":"live"}}"#, "session.type"),
    (#"{"session":{"type":7}}"#, "session.type"),
    (#"{"expires_after":5}"#, "expires_after"),
    (#"{"expires_after":{"anchor":"last_use"}}"#, "expires_after.anchor"),
    (#"{"expires_after":{"seconds":9}}"#, "expires_after.seconds"),
    (#"{"expires_after":{"seconds":7201}}"#, "expires_after.seconds"),
    (#"{"expires_after":{"seconds":"600"}}"#, "expires_after.seconds"),
    (#"{"expires_after":{"seconds":60.5}}"#, "expires_after.seconds"),
    (#"{"expires_after":{"seconds":99999999999999999999}}"#, "expires_after.seconds"),
  ])
  func mistakesAreNamed(body: String, param: String?) throws {
    let refusal = try #require(refused(body))
    #expect(refusal.status == 400)
    #expect(refusal.param == param)
  }

  @Test func aSessionThatFitsNoHeaderFieldIsRefused() throws {
    func body(_ count: Int) -> String {
      let frame = #"{"instructions":""}"#
      let text = String(repeating: "x", count: count - frame.utf8.count)
      return #"{"session":{"instructions":"\#(text)"}}"#
    }
    let most = ClientSecretBox.payloadBytesMax
    #expect(throws: Never.self) { try Secret(Desk(), [], body(most)) }
    #expect(try #require(refused(body(most + 1))).param == "session")
  }

  @Test func otherMediaTypesAreRefused() {
    let outcome = Desk().post("/v1/realtime/client_secrets", type: "text/plain", body: "{}")
    #expect(outcome.response.status == 415)
  }
}
