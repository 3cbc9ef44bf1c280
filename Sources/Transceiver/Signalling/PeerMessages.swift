// The HTTP that one transceiver speaks to another: one request on one connection, which the owner
// of the call closes after its response (RFC 9112).

extension Forward {
  /// The fields of a request that say something about its body; the rest is the business of this
  /// node, and the client's key above all.
  private static let kept = ["content-type", "if-match"]

  /// The fields that go with a forwarded request: those of the client, and the mark.
  package func fields(of request: ApiRequest) -> [(name: String, value: String)] {
    Self.clientFields(of: request) + [header]
  }

  static func clientFields(of request: ApiRequest) -> [(name: String, value: String)] {
    guard method(of: request) != "GET" else { return [] }
    return kept.compactMap { name in
      request.header(name).flatMap { isPlain($0) ? (name, $0) : nil }
    }
  }

  /// The owner is asked for what HEAD would only describe: who answers the client leaves the body
  /// out (RFC 9110, section 9.3.2).
  static func method(of request: ApiRequest) -> String {
    request.method == "HEAD" ? "GET" : request.method
  }

  /// Whether nothing comes of a request but its answer: a WebSocket names its call in the query.
  static func isReadOnly(_ request: ApiRequest) -> Bool {
    method(of: request) == "GET" && request.parameter("call_id") == nil
  }

  /// The request as it goes to the owner. `authority` names the owner: `10.0.0.6:8080`.
  package func bytes(of request: ApiRequest, authority: String) -> [UInt8] {
    var lines = ["\(Self.method(of: request)) \(Self.target(request)) HTTP/1.1"]
    lines.append("Host: \(authority)")
    lines += fields(of: request).map { "\($0.name): \($0.value)" }
    lines += ["Connection: close", "Content-Length: \(request.body.count)", "", ""]
    return Array(lines.joined(separator: "\r\n").utf8) + request.body
  }

  /// Where a WebSocket beside the call is at its owner: path and query.
  package static func target(_ request: ApiRequest) -> String {
    guard let call = request.parameter("call_id") else { return encoded(request.path) }
    return "\(encoded(request.path))?call_id=\(encoded(call))"
  }

  private static func isPlain(_ value: String) -> Bool { value.utf8.allSatisfy { $0 >= 0x20 } }

  /// Percent-encodes whatever is not plain in a path (RFC 3986, section 2.3).
  private static func encoded(_ text: String) -> String {
    var out = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"),
        UInt8(ascii: "-"), UInt8(ascii: "."):
        out.unicodeScalars.append(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        out += (digits.count == 1 ? "%0" : "%") + digits
      }
    }
    return out
  }
}

extension ApiResponse {
  /// More than an owner's answer ever has, bytes.
  package static let forwardedBytesMax = 262_144
  /// What belongs to the connection between two nodes, not to the answer.
  private static let dropped = [
    "connection", "content-length", "server", "date", "transfer-encoding", "keep-alive",
  ]

  /// Reads what the owner of a call sent until it closed; nil when that is no whole response.
  package init?(forwarded bytes: [UInt8]) {
    let end = Array("\r\n\r\n".utf8)
    guard bytes.count <= Self.forwardedBytesMax,
      let split = bytes.indices.first(where: { bytes[$0...].starts(with: end) }),
      let head = String(validating: bytes[..<split], as: UTF8.self)
    else { return nil }
    var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
    let status = lines.removeFirst().split(separator: " ", maxSplits: 2)
    guard status.count >= 2, status[0].hasPrefix("HTTP/1."), let number = UInt16(status[1]),
      (200..<600).contains(number)
    else { return nil }
    var fields: [(name: String, value: String)] = []
    var length: Int?
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let name = String(line[..<colon])
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      guard !name.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 }) else { return nil }
      if name.lowercased() == "content-length" { length = Int(value) }
      if !Self.dropped.contains(name.lowercased()) { fields.append((name, String(value))) }
    }
    let body = bytes[(split + end.count)...]
    // A response that broke off says another length than it has (RFC 9112, section 8).
    guard length == nil || length == body.count, fields.count <= 20 else { return nil }
    self.init(status: number, headers: fields, body: Array(body))
  }
}
