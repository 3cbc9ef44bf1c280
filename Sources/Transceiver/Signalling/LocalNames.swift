import Wire

/// The names by which browsers of this machine may call a server that asks nobody for a key.
///
/// Being on this machine lets in there, and a browser lends that to every page that it shows. What
/// tells pages apart is the name that they were opened by, and a foreign page can be opened by a
/// name whose owner lets it mean 127.0.0.1 (DNS rebinding): then its `Origin` is that name, and so
/// is the `Host` of its requests (RFC 9110, section 7.2). So only names count that no stranger can
/// own: loopback addresses, `localhost` and names below it (RFC 6761, section 6.3), and those that
/// the operator gave.
package struct LocalNames: Sendable {
  /// In lower case, without a port.
  private let given: Set<String>

  /// - Parameter given: names that `name(_:)` has taken.
  package init(_ given: [String] = []) {
    self.given = Set(given.compactMap(Self.name))
  }

  /// A host's name or IP address as it is compared; nil for what is neither (a URL, a name with a
  /// port).
  package static func name(_ text: String) -> String? {
    let host = text.lowercased()
    let isPlain = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    if isPlain, !host.isEmpty, host.utf8.count <= 253 { return host }
    return TransportAddress("\(host):0").map { $0.isIPv4 ? $0.host : "[\($0.host)]" }
  }

  /// Whether `Host` names this server: `localhost:8080`, `127.0.0.1`, `[::1]:8080`.
  func include(authority: some StringProtocol) -> Bool {
    guard let host = Self.host(of: authority) else { return false }
    return given.contains(host) || Self.isOfThisMachine(host)
  }

  /// Whether `Origin` is of a page that was opened by such a name (RFC 6454, section 7).
  func include(origin: String) -> Bool {
    guard let colon = origin.firstIndex(of: ":"), origin[colon...].hasPrefix("://") else {
      return false
    }
    return include(authority: origin[colon...].dropFirst(3))
  }

  /// The host of `host` or `host:port`, as `name(_:)` gives it; nil when it is neither.
  private static func host(of authority: some StringProtocol) -> String? {
    let isLiteral = authority.hasPrefix("[")
    let split = isLiteral ? authority.firstIndex(of: "]") : authority.firstIndex(of: ":")
    let end = split.map { isLiteral ? authority.index(after: $0) : $0 } ?? authority.endIndex
    let port = authority[end...]
    guard port.isEmpty || (port.hasPrefix(":") && port.utf8.dropFirst().allSatisfy(isDigit)) else {
      return nil
    }
    var name = Self.name(String(authority[..<end]))
    // The root's dot changes nothing about a name.
    if name?.hasSuffix(".") == true { name?.removeLast() }
    return name
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isOfThisMachine(_ host: String) -> Bool {
    if host == "localhost" || host.hasSuffix(".localhost") { return true }
    return TransportAddress("\(host):0")?.isLoopback == true
  }
}
