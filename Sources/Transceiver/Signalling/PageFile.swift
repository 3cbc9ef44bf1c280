/// A file of the demonstration page, kept in memory.
package struct PageFile: Sendable {
  /// The path it is served at, for instance `/page.js`; `/` is the page itself.
  package var path: String
  package var mediaType: String
  package var body: [UInt8]
  /// Names this content, so that browsers need not load it twice (RFC 9110, section 8.8.3).
  package var entityTag: String

  package init(path: String, mediaType: String, body: [UInt8]) {
    self.path = path
    self.mediaType = mediaType
    self.body = body
    entityTag = "\"\(String(Self.hash(body), radix: 16))\""
  }

  /// FNV-1a: not against an adversary, only to tell contents apart.
  static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// Only our own scripts run, nobody frames the page, nothing but the page may use the
  /// microphone. `connect-src` is wide: the page reports test results where its address says.
  private static let headers: [(name: String, value: String)] = [
    ("Cache-Control", "no-cache"),
    (
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        + "media-src 'self' blob:; connect-src 'self' http: https:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"
    ),
    ("Permissions-Policy", "microphone=(self), camera=(), geolocation=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
  ]

  /// The file, or 304 when the client has it.
  func response(to request: ApiRequest) -> ApiResponse {
    var headers = Self.headers
    headers.append(("ETag", entityTag))
    if request.header("if-none-match") == entityTag {
      return ApiResponse(status: 304, headers: headers)
    }
    headers.append(("Content-Type", mediaType))
    return ApiResponse(status: 200, headers: headers, body: body)
  }
}
