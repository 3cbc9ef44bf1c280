extension TransportAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Reads `1.2.3.4:80` or `[2001:db8::1]:80`; a host name is not an address. nil for anything
  /// else. For set-up only: allocates.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = AddressText.number(bytes[(colon + 1)...], radix: 10, digitsMax: 5, max: 65535)
    else { return nil }
    let host = bytes[..<colon]
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 2 {
      guard let (high, low) = AddressText.ipv6(host.dropFirst().dropLast()) else { return nil }
      self.init(high: high, low: low, port: UInt16(port))
    } else {
      guard let ipv4 = AddressText.ipv4(host) else { return nil }
      self.init(ipv4: ipv4, port: UInt16(port))
    }
  }

  /// `1.2.3.4:80` or `[2001:db8::1]:80` in the form of RFC 5952. Allocates.
  package var description: String {
    isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)"
  }

  /// The address without its port, as an SDP candidate names it. Allocates.
  package var host: String {
    if isIPv4 {
      return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)"
    }
    return AddressText.render(high: high, low: low)
  }

  /// For logs: enough to see the network and the port, not enough to name the person.
  /// `1.2.3.x:80` or `[2001:db8::x]:80` (the first 48 bits are kept). Allocates.
  package var masked: String { isIPv4 ? "\(maskedHost):\(port)" : "[\(maskedHost)]:\(port)" }

  /// The same without the port: `1.2.3.x`, `2001:db8::x`.
  package var maskedHost: String {
    if isIPv4 { return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).x" }
    let groups = (0..<3).map { String(high >> (48 - 16 * UInt64($0)) & 0xFFFF, radix: 16) }
    let network = groups[2] == "0" ? groups[..<2] : groups[...]
    return "\(network.joined(separator: ":"))::x"
  }
}

/// The text forms of IP addresses (RFC 4291, section 2.2; RFC 5952). Set-up only.
enum AddressText {
  /// Digits only, at most `digitsMax` of them, at most `max`.
  static func number(
    _ digits: ArraySlice<UInt8>, radix: UInt32, digitsMax: Int, max: UInt32
  ) -> UInt32? {
    guard !digits.isEmpty, digits.count <= digitsMax else { return nil }
    var value: UInt32 = 0
    for character in digits {
      guard let digit = Character(UnicodeScalar(character)).hexDigitValue, digit < radix else {
        return nil
      }
      value = value * radix + UInt32(digit)
    }
    return value <= max ? value : nil
  }

  static func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
      guard part.count == 1 || part.first != UInt8(ascii: "0"),
        let octet = number(part, radix: 10, digitsMax: 3, max: 255)
      else { return nil }
      address = address << 8 | octet
    }
    return address
  }

  static func ipv6(_ text: ArraySlice<UInt8>) -> (high: UInt64, low: UInt64)? {
    guard let gap = firstDoubleColon(text) else {
      return groups(text, endsAddress: true).flatMap { $0.count == 8 ? number($0) : nil }
    }
    guard let head = groups(text[..<gap], endsAddress: false),
      let tail = groups(text[(gap + 2)...], endsAddress: true),
      head.count + tail.count <= 7
    else { return nil }
    let zeros = [UInt32](repeating: 0, count: 8 - head.count - tail.count)
    return number(head + zeros + tail)
  }

  private static func firstDoubleColon(_ text: ArraySlice<UInt8>) -> Int? {
    let colon = UInt8(ascii: ":")
    return text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
  }

  /// The 16-bit groups of `a:b:c`. Where the text ends the address, its last part may be an IPv4
  /// address, which makes two.
  private static func groups(_ text: ArraySlice<UInt8>, endsAddress: Bool) -> [UInt32]? {
    if text.isEmpty { return [] }
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var result: [UInt32] = []
    for (index, part) in parts.enumerated() {
      if let group = number(part, radix: 16, digitsMax: 4, max: 0xFFFF) {
        result.append(group)
      } else if endsAddress, index == parts.count - 1, let ipv4 = ipv4(part) {
        result += [ipv4 >> 16, ipv4 & 0xFFFF]
      } else {
        return nil
      }
    }
    return result
  }

  private static func number(_ groups: [UInt32]) -> (high: UInt64, low: UInt64) {
    let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    return (high, low)
  }

  /// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`.
  static func render(high: UInt64, low: UInt64) -> String {
    let groups = (0..<8).map { (index: Int) -> UInt64 in
      (index < 4 ? high : low) >> (48 - 16 * UInt64(index % 4)) & 0xFFFF
    }
    let text = groups.map { String($0, radix: 16) }
    guard let gap = longestZeroRun(groups) else { return text.joined(separator: ":") }
    let head = text[..<gap.lowerBound].joined(separator: ":")
    let tail = text[gap.upperBound...].joined(separator: ":")
    return "\(head)::\(tail)"
  }

  private static func longestZeroRun(_ groups: [UInt64]) -> Range<Int>? {
    var best = 0..<1
    var start = 0
    for (index, group) in groups.enumerated() {
      if group != 0 {
        start = index + 1
      } else if index + 1 - start > best.count {
        best = start..<(index + 1)
      }
    }
    return best.count >= 2 ? best : nil
  }
}
