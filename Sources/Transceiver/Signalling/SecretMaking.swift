import Json
import Token

extension Signalling {
  /// `POST /v1/realtime/client_secrets`: a secret that a browser may hold.
  func makeSecret(
    _ request: ApiRequest, _ unixSeconds: Int64, _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> ApiResponse {
    let wish = try SecretWish(request)
    let session = wish.session.bytes
    guard session.count <= ClientSecretBox.payloadBytesMax else {
      throw ApiError(
        400, "session_too_large",
        "The session has \(session.count) bytes and a client secret holds "
          + "\(ClientSecretBox.payloadBytesMax): send it with the call instead "
          + "(multipart/form-data), or in a session.update.", param: "session")
    }
    let expires = unixSeconds + Int64(wish.lifetimeSeconds)
    var answer = JsonObject()
    answer.add("value", secrets.seal(session, expiresUnixSeconds: expires, random: &random))
    answer.add("expires_at", expires)
    let id = "sess_" + String(random.next(), radix: 36) + String(random.next(), radix: 36)
    return Self.fresh("\(answer.text.dropLast()),\"session\":\(wish.session.described(id: id))}")
  }
}

/// What a request for a client secret asks for.
private struct SecretWish {
  /// Until the secret expires.
  private(set) var lifetimeSeconds = 600
  private(set) var session = SessionText.standard

  private static let lifetimes = 10...7_200

  init(_ request: ApiRequest) throws(ApiError) {
    let body = request.body
    // Some clients send no body at all when they want what is usual.
    guard !body.isEmpty else { return }
    guard request.contentType.value == "application/json" else {
      throw ApiError(
        415, "unsupported_media_type", "Send application/json.", param: "content-type")
    }
    guard let members = unsafe JsonText.members(of: body.span.bytes) else {
      throw ApiError(400, "invalid_json", "The body must be a JSON object.")
    }
    if let wish = unsafe members.value("expires_after", in: body.span.bytes), wish.kind != .null {
      try takeLifetime(wish, body)
    }
    if let wish = unsafe members.value("session", in: body.span.bytes), wish.kind != .null {
      session = try SessionText(unsafe JsonText.raw(wish, in: body.span.bytes))
    }
  }

  private mutating func takeLifetime(_ part: JsonPart, _ body: [UInt8]) throws(ApiError) {
    guard let wish = unsafe JsonText.members(of: part, in: body.span.bytes) else {
      throw ApiError(
        400, "invalid_type", "expires_after must be an object.", param: "expires_after")
    }
    if let anchor = unsafe wish.value("anchor", in: body.span.bytes) {
      guard unsafe JsonText.equals(anchor, "created_at", in: body.span.bytes) else {
        throw ApiError(
          400, "invalid_value", "The anchor of expires_after must be created_at.",
          param: "expires_after.anchor")
      }
    }
    guard let seconds = unsafe wish.value("seconds", in: body.span.bytes) else { return }
    guard let number = unsafe JsonText.integer(seconds, in: body.span.bytes),
      Self.lifetimes.contains(number)
    else {
      throw ApiError(
        400, "invalid_value",
        "A client secret lives for \(Self.lifetimes.lowerBound) to "
          + "\(Self.lifetimes.upperBound) seconds.", param: "expires_after.seconds")
    }
    lifetimeSeconds = number
  }
}
