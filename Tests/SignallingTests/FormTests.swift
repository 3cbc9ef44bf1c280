import Sdp
import Signalling
import Testing

@Suite("Signalling: calls as forms")
struct FormTests {
  private static let session = #"{"type":"realtime","model":"gpt-realtime"}"#

  /// A part as it stands in a form: its header lines and its content.
  private static func part(_ lines: [String], _ content: String) -> String {
    (lines + ["", content]).map { $0 + "\r\n" }.joined()
  }

  private static func form(_ parts: [String], boundary: String = "XX") -> String {
    parts.map { "--\(boundary)\r\n\($0)" }.joined() + "--\(boundary)--\r\n"
  }

  private static func post(
    _ body: String, type: String = "multipart/form-data; boundary=XX", desk: Desk = Desk(),
    path: String = "/v1/realtime/calls"
  ) -> ApiOutcome {
    desk.post(path, type: type, body: body)
  }

  private static func disposition(_ name: String, _ more: String = "") -> String {
    "Content-Disposition: form-data; name=\"\(name)\"\(more)"
  }

  /// As the Python SDK, curl, and browsers write them.
  private static let dialects: [(String, String)] = [
    (
      form([
        part([disposition("sdp"), "Content-Type: application/sdp"], Desk.offer),
        part([disposition("session"), "Content-Type: application/json"], session),
      ]), "multipart/form-data; boundary=XX"
    ),
    (
      form([
        part([disposition("session")], session), part([disposition("sdp")], Desk.offer),
      ]), "multipart/form-data; boundary=XX"
    ),
    (
      "a preamble\r\n"
        + form(
          [
            part(
              [
                "content-type: application/sdp ; charset=utf-8",
                "content-disposition: Form-Data; filename=\"blob\"; NAME=sdp",
              ], Desk.offer),
            part([disposition("session", "; filename=\"b;ob\""), "X-Other: 1"], session),
            part([disposition("other")], "--XX YYY\r\n--XX YY.\r\n"),
          ], boundary: "XX YY") + "an epilogue", "Multipart/Form-Data; boundary=\"XX YY\""
    ),
  ]

  @Test(arguments: dialects.indices)
  func clientsFormsAreRead(index: Int) throws {
    let (body, type) = Self.dialects[index]
    let outcome = Self.post(body, type: type)
    guard case .create(let plan, let response) = outcome else {
      Issue.record("\(Desk.text(outcome))")
      return
    }
    #expect(response.status == 201)
    #expect(plan.session == Array(Self.session.utf8))
    #expect(plan.remoteUfrag == "abcd")
  }

  @Test func aFormNeedsNoSession() throws {
    let body = Self.form([Self.part([Self.disposition("sdp")], Desk.offer)])
    guard case .create(let plan, _) = Self.post(body) else {
      Issue.record("no call")
      return
    }
    #expect(plan.session.isEmpty)
  }

  @Test func theQuerysModelCountsWhenNobodySaysMore() throws {
    let plan = try #require(Desk().plan("/v1/realtime/calls?model=a\"b"))
    #expect(plan.session == Array(#"{"type":"realtime","model":"a\"b"}"#.utf8))
  }

  private static let offerPart = part([disposition("sdp")], Desk.offer)

  @Test(
    arguments: [
      ("", 400, nil), ("--XX", 400, nil), ("--XX--", 400, "sdp"),
      (form([]), 400, "sdp"),
      (form([part([disposition("session")], session)]), 400, "sdp"),
      (form([offerPart, offerPart]), 400, nil),
      (form([part(["Content-Disposition: form-data"], Desk.offer)]), 400, nil),
      (form([part(["Content-Disposition: attachment; name=sdp"], Desk.offer)]), 400, nil),
      (form([part(["no colon"], Desk.offer)]), 400, nil),
      (
        form([
          part([disposition("sdp"), "Content-Transfer-Encoding: base64"], Desk.offer)
        ]), 400, nil
      ),
      (form([part([disposition("sdp"), "Content-Type: image/png"], Desk.offer)]), 415, "sdp"),
      (form([offerPart, part([disposition("session")], "[]")]), 400, "session"),
      (form([offerPart, part([disposition("session")], "")]), 400, "session"),
      (
        form([offerPart, part([disposition("session"), "Content-Type: text/html"], session)]), 415,
        "session"
      ),
      (
        form([
          offerPart,
          part([disposition("session")], "{\"a\":\"\(String(repeating: "x", count: 98_304))\"}"),
        ]), 413, "session"
      ),
      (form((0..<9).map { part([disposition("p\($0)")], "") } + [offerPart]), 400, nil),
      (form([part([String(repeating: "h", count: 3_000) + ": 1"], "")]), 400, nil),
    ] as [(String, UInt16, String?)])
  func mistakesAreNamed(body: String, status: UInt16, param: String?) {
    let outcome = Self.post(body)
    #expect(outcome.response.status == status, "\(Desk.text(outcome))")
    let shown = param.map { "\"param\":\"\($0)\"" } ?? "\"param\":null"
    #expect(Desk.text(outcome).contains(shown), "\(Desk.text(outcome))")
  }

  @Test(arguments: [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary",
    "multipart/form-data; boundary=\"\"",
    "multipart/form-data; boundary=\(String(repeating: "b", count: 71))",
  ])
  func aFormNeedsABoundary(type: String) {
    #expect(Self.post(Self.form([Self.offerPart]), type: type).response.status == 400)
  }

  @Test func whipTakesNoForms() {
    let body = Self.form([Self.offerPart])
    #expect(Self.post(body, path: "/whip").response.status == 415)
  }

  @Test func aSecretsSessionIsNotReplaced() throws {
    let desk = Desk()
    let secret = try Secret(desk, [], #"{"session":{"type":"realtime"}}"#).value
    let (body, type) = Self.dialects[0]
    let headers = [
      (name: "authorization", value: "Bearer \(secret)"), (name: "content-type", value: type),
    ]
    let outcome = desk.ask("POST", "/v1/realtime/calls", headers: headers, body: body)
    #expect(outcome.response.status == 400)
    #expect(Desk.text(outcome).contains(#""code":"session_already_set""#))
    // Without a session part the secret's own is taken.
    let bare = Self.form([Self.offerPart])
    let good = desk.ask("POST", "/v1/realtime/calls", headers: headers, body: bare)
    #expect(good.response.status == 201)
  }

  /// Cut at any length, or with any byte changed, a form is read or refused, and nothing traps.
  @Test func everyLengthIsAnswered() {
    let desk = Desk()
    let (text, type) = Self.dialects[2]
    let whole = Array(text.utf8)
    let headers = [(name: "content-type", value: type)]
    for length in 0...whole.count {
      let cut = Array(whole.prefix(length))
      let outcome = desk.ask("POST", "/v1/realtime/calls", headers: headers, bytes: cut)
      #expect([201, 400].contains(outcome.response.status))
    }
    for index in whole.indices {
      for byte in [0, 10, 13, 0x22, 0x2D, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] = byte
        let outcome = desk.ask("POST", "/v1/realtime/calls", headers: headers, bytes: changed)
        #expect([201, 400, 415].contains(outcome.response.status))
      }
    }
  }
}
