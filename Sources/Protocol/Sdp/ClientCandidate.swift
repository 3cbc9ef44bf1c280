/// Where a client says that it can be reached (RFC 8839, section 5.1). Nothing is ever sent there
/// on the strength of it, but a description with an address that no client can have is a mistake
/// or a trap, and is refused.
enum ClientCandidate {
  /// Throws for a UDP candidate on port 0 or on an address that is no host's own: unspecified,
  /// multicast or broadcast. Names (mDNS) and lines that are too short for a candidate pass.
  static func check(_ value: Substring, _ line: Int) throws(SdpError) {
    let fields = words(value)
    guard fields.count >= 6, lowercased(fields[2]) == "udp" else { return }
    guard number(fields[5], max: 65_535) != 0, !isNobodys(fields[4]) else {
      throw SdpError(.unusableCandidate, line: line)
    }
  }

  /// Whether the text is an IP address that no host can have as its own.
  static func isNobodys(_ text: Substring) -> Bool {
    if let octets = octets(text) { return isNobodys(octets) }
    guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
    // An IPv4 address in its IPv6 form (RFC 4291, section 2.5.5).
    if let last = text.split(separator: ":").last, let octets = octets(last) {
      return isNobodys(octets)
    }
    if text.utf8.allSatisfy({ $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "0") }) { return true }
    let first = lowercased(text.prefix { $0 != ":" })
    return first.utf8.count == 4 && first.hasPrefix("ff")
  }

  private static func isNobodys(_ octets: [Int]) -> Bool {
    octets == [0, 0, 0, 0] || octets == [255, 255, 255, 255] || (224...239).contains(octets[0])
  }

  private static func octets(_ text: Substring) -> [Int]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let octets = parts.compactMap { number($0, max: 255) }
    return parts.count == 4 && octets.count == 4 ? octets : nil
  }
}
