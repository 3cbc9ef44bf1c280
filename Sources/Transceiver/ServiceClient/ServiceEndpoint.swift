/// Where an AI service is: `ws://host:port/path`, `wss://...` or `tcp://host:port`. It comes from
/// the operator alone; nothing that a client sends can change it.
package struct ServiceEndpoint: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Sendable {
    /// A WebSocket.
    case ws
    /// A WebSocket over TLS.
    case wss
    /// A TCP stream.
    case tcp

    var standardPort: UInt16? {
      switch self {
      case .ws: 80
      case .wss: 443
      case .tcp: nil
      }
    }
  }

  package let scheme: Scheme
  /// A name or an IP address; an IPv6 address without its brackets.
  package let host: String
  package let port: UInt16
  /// With the query; begins with `/`. Empty for a TCP stream.
  package let path: String

  /// Why a text is no endpoint: a sentence.
  package struct Defect: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  /// Reads a URL (RFC 3986). User names are refused: a password has no place in a URL that logs
  /// show. So are fragments, blanks and everything that is not ASCII.
  package init(_ url: String) throws(Defect) {
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      let mark = Self.range(of: "://", in: url),
      let scheme = Scheme(rawValue: url[..<mark.lowerBound].lowercased())
    else { throw Defect(description: "the URL must begin with ws://, wss:// or tcp://") }
    let rest = url[mark.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let tail = rest[authority.endIndex...]
    guard !authority.contains("@") else {
      throw Defect(description: "a user name in the URL is not supported; use a key file")
    }
    guard !tail.contains("#") else { throw Defect(description: "the URL has a fragment") }
    guard scheme != .tcp || tail.isEmpty || tail == "/" else {
      throw Defect(description: "a tcp:// URL has no path")
    }
    let (host, port) = try Self.split(authority)
    guard scheme != .wss || !host.contains(":") else {
      throw Defect(description: "wss:// needs a name or an IPv4 address")
    }
    guard let port = port ?? scheme.standardPort else {
      throw Defect(description: "a tcp:// URL needs a port")
    }
    self.scheme = scheme
    self.host = host
    self.port = port
    path = scheme == .tcp ? "" : tail.hasPrefix("/") ? String(tail) : "/\(tail)"
  }

  private init(_ other: ServiceEndpoint, path: String) {
    scheme = other.scheme
    host = other.host
    port = other.port
    self.path = path
  }

  /// The same place with `model=...` in the query, unless it names a model already.
  package func asking(for model: String) -> ServiceEndpoint {
    guard scheme != .tcp, !model.isEmpty else { return self }
    let query = path.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    guard !query.split(separator: "&").contains(where: { $0.hasPrefix("model=") }) else {
      return self
    }
    let mark = query.isEmpty ? (path.hasSuffix("?") ? "" : "?") : "&"
    return ServiceEndpoint(self, path: "\(path)\(mark)model=\(Self.escaped(model))")
  }

  /// Without the query, which may hold what is nobody's business.
  package var description: String {
    "\(scheme.rawValue)://\(authority)\(path.prefix { $0 != "?" })"
  }

  /// The host as a URL and a Host field write it, with the port if it is not the usual one.
  var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == scheme.standardPort ? name : "\(name):\(port)"
  }

  /// Whether what is sent stays on this machine.
  package var isOnThisMachine: Bool {
    host == "localhost" || host == "::1"
      || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A }
  }

  // MARK: - Reading

  private static func split(
    _ authority: Substring
  ) throws(Defect) -> (host: String, port: UInt16?) {
    var host = authority
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else {
        throw Defect(description: "the URL's host has no closing bracket")
      }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let rest = authority[authority.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else {
        throw Defect(description: "the URL's host is followed by something else")
      }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      portText = authority[authority.index(after: colon)...]
    }
    guard isHost(host, isBracketed: authority.hasPrefix("[")) else {
      throw Defect(description: "the URL's host is not one")
    }
    guard let portText else { return (String(host), nil) }
    guard let port = UInt16(portText), port != 0, portText.first != "+" else {
      throw Defect(description: "the URL's port is not from 1 to 65535")
    }
    return (String(host), port)
  }

  private static func isHost(_ text: Substring, isBracketed: Bool) -> Bool {
    guard (1...120).contains(text.utf8.count) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x46, 0x61...0x66, 0x2E: true
      case 0x3A: isBracketed
      case 0x47...0x5A, 0x67...0x7A, 0x2D, 0x5F: !isBracketed
      default: false
      }
    }
  }

  private static func range(of mark: String, in text: String) -> Range<String.Index>? {
    var start = text.startIndex
    while start < text.endIndex {
      if text[start...].hasPrefix(mark) {
        return start..<text.index(start, offsetBy: mark.count)
      }
      start = text.index(after: start)
    }
    return nil
  }

  /// Percent-encoded, all but the unreserved characters (RFC 3986, section 2.3).
  private static func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
      default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
