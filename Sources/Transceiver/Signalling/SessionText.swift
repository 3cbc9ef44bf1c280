import Json

/// The configuration of a session as a client sends it: one JSON object. What it says is the
/// dialect's business; here it is only held to be one, and within its bound.
struct SessionText {
  /// Instructions and tools of a session, bytes.
  static let byteCountMax = 98_304

  private static let kinds: [StaticString] = ["realtime", "transcription"]

  /// The object as it was sent.
  let bytes: [UInt8]
  private let members: JsonMembers

  /// What a session is when nobody says it.
  static var standard: SessionText {
    SessionText(trusted: Array(#"{"type":"realtime"}"#.utf8))
  }

  /// - Parameter trusted: of our own making.
  private init(trusted: [UInt8]) {
    guard let members = unsafe JsonText.members(of: trusted.span.bytes) else {
      preconditionFailure("our own session is JSON")
    }
    bytes = trusted
    self.members = members
  }

  /// Throws what is wrong with the bytes.
  init(_ bytes: [UInt8]) throws(ApiError) {
    guard bytes.count <= Self.byteCountMax else {
      throw ApiError(
        413, "session_too_large", "The session is longer than \(Self.byteCountMax) bytes.",
        param: "session")
    }
    guard let members = unsafe JsonText.members(of: bytes.span.bytes) else {
      throw ApiError(
        400, "invalid_session", "The session must be a JSON object.", param: "session")
    }
    self.bytes = bytes
    self.members = members
    guard let kind = unsafe members.value("type", in: bytes.span.bytes) else { return }
    guard Self.kinds.contains(where: { unsafe JsonText.equals(kind, $0, in: bytes.span.bytes) })
    else {
      throw ApiError(
        400, "invalid_value", "A session is of type realtime or transcription.",
        param: "session.type")
    }
  }

  /// The session as the resource that clients expect in answers: with an ID, and otherwise as it
  /// was sent.
  func described(id: String) -> String {
    let additions: [(name: StaticString, value: String)] = [
      ("type", "realtime"), ("object", "realtime.session"), ("id", id),
    ].filter { unsafe members.value($0.name, in: bytes.span.bytes) == nil }
    var head = JsonObject()
    for (name, value) in additions { head.add("\(name)", value) }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let brace = text.firstIndex(of: "{") else { return head.text }
    let rest = text[text.index(after: brace)...]
    if members.count == 0 { return head.text }
    return additions.isEmpty ? text : head.text.dropLast() + "," + rest
  }
}
