/// What a trunk's way carries, decided from what the kernel says and what it does. In bytes of UDP
/// payload.
package enum PathSize {
  /// The payload that every IPv4 host takes (RFC 1122, section 3.3.3: 576 bytes with headers).
  /// Nothing is made smaller than this; longer single packets leave in fragments.
  static let smallest = 548
  /// Of a way that nothing is known of, until the kernel is asked.
  static let unknown = 1_200
  /// Bundles that a way of the Internet carries; whoever asks for smaller ones has a reason, which
  /// counts for single packets as well.
  package static let usual = 1_400

  /// After the kernel has refused `length` bytes. `told` is what it says of the way, 0 for nothing.
  static func afterRefusal(of length: Int, told: Int, current: Int) -> Int {
    if told > 0, told < length { return min(current, told) }
    // It refuses what it says to fit: a tunnel or IPsec on the way out. Step by step, then.
    return min(current, max(smallest, length - length / 8))
  }

  /// After the kernel was asked, which it is now and then. What a hop has reported is forgotten by
  /// the kernel after some minutes, and would be found out again by losing packets: so the way
  /// grows only when something on this machine has changed.
  static func afterLook(told: Int, current: Int, mayGrow: Bool) -> Int {
    if told == 0 { return current }  // no way at the moment
    return mayGrow ? told : min(current, told)
  }
}
