/// Numbers that wrap around: a TSN, a stream's sequence number (RFC 9260, section 1.6).
extension FixedWidthInteger where Self: UnsignedInteger {
  /// Whether this number comes after `other`, that is less than half of the circle further on.
  func isAfter(_ other: Self) -> Bool {
    let distance = self &- other
    return distance != 0 && distance <= Self.max >> 1
  }
}
