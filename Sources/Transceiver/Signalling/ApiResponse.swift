import Json

/// An HTTP response for the web server to send.
package struct ApiResponse: Sendable {
  package var status: UInt16
  /// Header fields in the order they are sent; `Content-Length` is the server's business.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// The `code` of the error that it is; nil for what is none, and for what another node said.
  package var refusal: String?

  package init(
    status: UInt16, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A response with a body of the given media type.
  package init(status: UInt16, _ mediaType: String, _ text: String) {
    self.init(status: status, headers: [("Content-Type", mediaType)], body: Array(text.utf8))
  }

  /// The first header field of that name, however it is spelled.
  package func header(_ name: String) -> String? { headers.field(name) }
}

/// A refusal in the form that clients of the Realtime API read:
/// `{"error":{"message":...,"type":...,"code":...,"param":...}}`.
package struct ApiError: Error, Equatable, Sendable {
  package var status: UInt16
  /// For people.
  package var message: String
  /// For programs.
  package var code: String
  /// Which part of the request is meant, when one is.
  package var param: String?

  package init(_ status: UInt16, _ code: String, _ message: String, param: String? = nil) {
    self.status = status
    self.code = code
    self.message = message
    self.param = param
  }

  /// `invalid_request_error` when the client can mend it, `server_error` when not.
  package var type: String { status >= 500 ? "server_error" : "invalid_request_error" }

  package var response: ApiResponse {
    var inner = JsonObject()
    inner.add("message", message)
    inner.add("type", type)
    inner.add("code", code)
    inner.add("param", param)
    var outer = JsonObject()
    outer.add("error", inner)
    var response = ApiResponse(status: status, "application/json", outer.text)
    response.refusal = code
    return response
  }
}
