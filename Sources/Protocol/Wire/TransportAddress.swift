/// An IP address and a port (RFC 8445, section 4): where a datagram came from or goes to.
///
/// IPv4 is kept in its mapped form `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2), so one
/// comparison serves both families. 24 bytes, trivially copyable, no allocation.
package struct TransportAddress: Hashable, Sendable, BitwiseCopyable {
  /// The first eight bytes of the IPv6 address, as a number (network order).
  package var high: UInt64
  /// The last eight bytes of the IPv6 address, as a number (network order).
  package var low: UInt64
  /// The port, in host order.
  package var port: UInt16

  /// The halves of an IPv6 address, first byte highest; of the mapped form for an IPv4 one.
  @_noLocks @inlinable package init(high: UInt64, low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    self.port = port
  }

  /// An IPv4 address given as a number, first octet highest.
  @_noLocks @inlinable package init(ipv4: UInt32, port: UInt16) {
    self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4), port: port)
  }

  /// The address has the mapped form; `::a.b.c.d`, without the `ffff`, is IPv6.
  @inlinable package var isIPv4: Bool { @_noLocks get { high == 0 && low >> 32 == 0xFFFF } }

  /// Only this machine reaches it: 127.0.0.0/8 or ::1 (RFC 6890, section 2.2.2).
  package var isLoopback: Bool {
    isIPv4 ? ipv4 >> 24 == 127 : high == 0 && low == 1
  }

  /// `0.0.0.0` or `::`: every address of the machine.
  package var isWildcard: Bool { isIPv4 ? ipv4 == 0 : high == 0 && low == 0 }

  /// A host can send from there and be sent to: it has a port, and its address is neither
  /// unspecified nor multicast nor the broadcast address (RFC 1122, section 3.2.1.3; RFC 4291,
  /// sections 2.5.2 and 2.7).
  @inlinable package var isOfHost: Bool {
    @_noLocks get {
      guard port != 0 else { return false }
      // One comparison each where nothing is odd: this is asked of every check.
      if high != 0 { return high < 0xFF00_0000_0000_0000 }
      if low &- 0xFFFF_0000_0001 < 0xDFFF_FFFF { return true }
      if low >> 32 != 0xFFFF { return low != 0 }
      return ipv4 >= 0xF000_0000 && ipv4 != 0xFFFF_FFFF
    }
  }

  /// The IPv4 address as a number; meaningful only when `isIPv4`.
  @inlinable package var ipv4: UInt32 { @_noLocks get { UInt32(truncatingIfNeeded: low) } }
}

/// One way to reach a client: the relay worker that its datagrams pass, the listener of that
/// relay they came to, and the client's own address. Answers leave on the path they came by.
package struct PathID: Hashable, Sendable, BitwiseCopyable {
  /// The relay worker's trunk address; frames for the client go there.
  package var relay: TransportAddress
  /// The ingress relay's ID from the trunk header.
  package var ingress: UInt16
  /// Which of the relay's public addresses and transports the client used.
  package var listener: UInt8
  /// The client's address as the relay saw it.
  package var client: TransportAddress

  /// Checks nothing: a trunk datagram says all of it but `relay`, which is who sent it.
  @_noLocks @inlinable package init(
    relay: TransportAddress, ingress: UInt16, listener: UInt8, client: TransportAddress
  ) {
    self.relay = relay
    self.ingress = ingress
    self.listener = listener
    self.client = client
  }
}
