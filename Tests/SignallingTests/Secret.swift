import Json
import Signalling

/// A client secret that a desk was asked for.
struct Secret {
  let value: String
  let expiresAt: Int
  let session: JsonValue

  struct Refused: Error {
    let status: UInt16
    let text: String
  }

  init(_ desk: Desk, _ headers: [(name: String, value: String)], _ body: String) throws {
    let fields = headers.filter { $0.name != "content-type" }
    let outcome = desk.ask(
      "POST", "/v1/realtime/client_secrets",
      headers: fields + (body.isEmpty ? [] : [("content-type", "application/json")]), body: body)
    let text = Desk.text(outcome)
    let answer = try JsonValue.parse(outcome.response.body)
    guard outcome.response.status == 200, let value = answer["value"]?.text,
      case .integer(let expiresAt)? = answer["expires_at"], let session = answer["session"]
    else { throw Refused(status: outcome.response.status, text: text) }
    self.value = value
    self.expiresAt = expiresAt
    self.session = session
  }
}
