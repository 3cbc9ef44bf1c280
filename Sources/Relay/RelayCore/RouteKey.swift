package import Wire

/// What a client's flow is known by: the listener it came to and the client's address and port.
///
/// The listener belongs to the key because one NAT may use one source port towards two of our
/// addresses. 19 bytes, trivially copyable.
package struct RouteKey: Equatable, Sendable, BitwiseCopyable {
  let high: UInt64
  let low: UInt64
  let port: UInt16
  let listener: UInt8

  /// The flow of `client`, as `listener` saw it. Any address: nothing is checked.
  @_noLocks
  package init(listener: UInt8, client: TransportAddress) {
    high = client.high
    low = client.low
    port = client.port
    self.listener = listener
  }

  /// The client's part of the key.
  package var client: TransportAddress { TransportAddress(high: high, low: low, port: port) }

  /// All 19 bytes are the same.
  @_noLocks @inline(__always)
  package static func == (left: RouteKey, right: RouteKey) -> Bool {
    left.low == right.low && left.port == right.port && left.listener == right.listener
      && left.high == right.high
  }
}

/// Spreads route keys over a table, by a secret that comes from outside: who chooses source
/// addresses must not be able to choose the slots that they fall into.
///
/// Two 64x64-bit multiplications folded to 64 bits. It is not a MAC; it only has to be unknown.
package struct RouteHash: Sendable, BitwiseCopyable {
  private let first: UInt64
  private let second: UInt64

  /// The secret is what `random` gives next: a secure generator in service, a seeded one in tests.
  package init(random: inout some RandomNumberGenerator) {
    first = random.next()
    second = random.next()
  }

  @_noLocks
  func callAsFunction(_ key: RouteKey) -> UInt64 {
    let tail = UInt64(key.port) << 8 | UInt64(key.listener)
    let mixed = Self.fold(key.low ^ first, tail ^ second)
    return Self.fold(mixed ^ key.high, first ^ 0x9E37_79B9_7F4A_7C15)
  }

  @_noLocks @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}
