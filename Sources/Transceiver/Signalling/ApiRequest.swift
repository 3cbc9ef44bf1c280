import Wire

/// An HTTP request, as far as signalling looks at it. Made by the runtime from what the web
/// server read; nothing in it is trusted.
package struct ApiRequest: Sendable {
  /// Upper case, for instance `POST`.
  package var method: String
  /// Percent-decoded, without the query; begins with `/`.
  package var path: String
  /// The query's parts, for instance `backend=echo`, percent-decoded, in order.
  package var query: [String]
  /// Header fields, in order.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// The client's IP address as text; "" when it is not known.
  package var peer: String

  package init(
    method: String, path: String, query: [String] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = [], peer: String = ""
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.peer = peer
  }

  /// Where a request came from, for logs; "" when it is not known.
  package static func masked(peer: String) -> String {
    TransportAddress(peer: peer)?.maskedHost ?? ""
  }

  /// The first header field of that name, however it is spelled.
  package func header(_ name: String) -> String? { headers.field(name) }

  /// The value of the query's first `name=value`.
  package func parameter(_ name: String) -> String? {
    query.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
  }

  /// `Content-Type`: the media type of the body in lower case ("" when none is given), and its
  /// parameters.
  var contentType: FieldValue { FieldValue(header("content-type") ?? "") }
}

extension [(name: String, value: String)] {
  /// The value of the first header field of that name. Names mean the same in upper and lower case
  /// (RFC 9110, section 5.1).
  func field(_ name: String) -> String? {
    let name = name.lowercased()
    return first { $0.name.lowercased() == name }?.value
  }
}

extension ApiRequest {
  /// Whether the body is in no content coding (RFC 9110, section 8.4).
  var isBodyPlain: Bool {
    let codings = (header("content-encoding") ?? "").lowercased().split(separator: ",")
    return codings.allSatisfy { $0.filter { $0 != " " && $0 != "\t" } == "identity" }
  }
}

extension TransportAddress {
  /// The IP address that a web server tells of a client, without a port.
  init?(peer: String) {
    guard let address = TransportAddress("\(peer):0") ?? TransportAddress("[\(peer)]:0") else {
      return nil
    }
    self = address
  }
}
