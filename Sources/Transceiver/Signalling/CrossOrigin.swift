// Browsers call this API from pages of other origins. There are no cookies, so any origin may
// ask; `Location` is exposed, since clients read the call's ID from it (Fetch standard, CORS).

extension Signalling {
  /// The answer to OPTIONS: a browser's preflight, or a WHIP client's question (RFC 9725, 4.2).
  func preflight(_ route: Route) -> ApiResponse {
    let methods = (route.methods + ["OPTIONS"]).joined(separator: ", ")
    var headers: [(name: String, value: String)] = [
      ("Allow", methods),
      ("Access-Control-Allow-Methods", methods),
      (
        "Access-Control-Allow-Headers",
        // A star stands for everything but authorization; some clients know no star.
        "*, authorization, content-type, if-match, openai-safety-identifier, x-openai-agents-sdk"
      ),
      ("Access-Control-Max-Age", "86400"),
    ]
    if let types = route.acceptedPost { headers.append(("Accept-Post", types)) }
    if let types = route.acceptedPatch { headers.append(("Accept-Patch", types)) }
    return ApiResponse(status: 200, headers: headers)
  }
}

extension ApiResponse {
  /// The response with the fields that let pages of any origin read it.
  var withCors: ApiResponse {
    var copy = self
    copy.headers.append(("Access-Control-Allow-Origin", "*"))
    copy.headers.append(("Access-Control-Expose-Headers", "Location, ETag, Link, Retry-After"))
    return copy
  }
}

extension ApiOutcome {
  /// The outcome with its response readable from any origin.
  var withCors: ApiOutcome {
    switch self {
    case .respond(let response): .respond(response.withCors)
    case .create(let plan, let response): .create(plan, response.withCors)
    case .hangUp(let call, let response): .hangUp(call, response.withCors)
    case .forward: self
    }
  }

  /// The response, whatever else happens.
  package var response: ApiResponse {
    switch self {
    case .respond(let response), .create(_, let response), .hangUp(_, let response): response
    case .forward(let forward): forward.unreachable
    }
  }
}
