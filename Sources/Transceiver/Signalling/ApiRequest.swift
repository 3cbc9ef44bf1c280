/// An HTTP request, as far as signalling looks at it. Made by the runtime from what the web
/// server read; nothing in it is trusted.
package struct ApiRequest: Sendable {
  /// Upper case, for instance `POST`.
  package var method: String
  /// Percent-decoded, without the query; begins with `/`.
  package var path: String
  /// The query's parts, for instance `backend=echo`, percent-decoded, in order.
  package var query: [String]
  /// Header fields; names in lower case.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(
    method: String, path: String, query: [String] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The first header field of that name; `name` in lower case.
  package func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// The value of the query's first `name=value`.
  package func parameter(_ name: String) -> String? {
    query.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
  }

  /// The media type of the body in lower case, without its parameters; "" when none is given.
  package var mediaType: String {
    let field = header("content-type") ?? ""
    return field.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
  }
}
