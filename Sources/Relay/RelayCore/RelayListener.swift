/// How clients reach a listener.
package enum ListenerTransport: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// A datagram of the client's is one of the listener's, and the same way back.
  case udp
}

/// Which clients a listener's socket reaches.
package enum IPVersions: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// IPv4's alone: the socket is bound to an IPv4 address.
  case ipv4
  /// IPv6's alone.
  case ipv6
  /// The IPv6 wildcard that stands for IPv4's as well.
  case both
}

/// A public address of the relay, as routes and trunk frames name it.
package struct RelayListener: Hashable, Sendable, BitwiseCopyable {
  /// 0 to `RelayLimits.listenersMax` - 1. It means the same address and transport as long as a
  /// route or a transceiver may name it; numbers need not follow each other.
  package var number: UInt8
  /// How clients reach it.
  package var transport: ListenerTransport
  /// Which clients reach it.
  package var versions: IPVersions

  /// A listener; traps when the number is out of range.
  package init(number: Int, transport: ListenerTransport = .udp, versions: IPVersions) {
    precondition(number >= 0 && number < RelayLimits.listenersMax)
    self.number = UInt8(truncatingIfNeeded: number)
    self.transport = transport
    self.versions = versions
  }
}

/// The listeners of a worker, by their numbers: a bit each. Look-ups allocate nothing.
struct ListenerSet: BitwiseCopyable {
  private let all: UInt64
  private let ipv4: UInt64
  private let ipv6: UInt64

  /// Traps when there is none, or a number stands for two.
  init(_ listeners: [RelayListener]) {
    precondition(!listeners.isEmpty, "a worker has a listener")
    precondition(Set(listeners.map(\.number)).count == listeners.count, "a number for each")
    all = Self.bits(listeners)
    ipv4 = Self.bits(listeners.filter { $0.versions != .ipv6 })
    ipv6 = Self.bits(listeners.filter { $0.versions != .ipv4 })
  }

  private static func bits(_ listeners: [RelayListener]) -> UInt64 {
    listeners.reduce(0) { $0 | 1 << UInt64($1.number) }
  }

  /// Whether there is a listener `number`.
  @_noLocks @inline(__always)
  func contains(_ number: UInt8) -> Bool { number < 64 && all &>> UInt64(number) & 1 == 1 }

  /// Whether there is a listener `number` that reaches IPv4 clients, or those of IPv6.
  @_noLocks @inline(__always)
  func reaches(_ number: UInt8, isIPv4: Bool) -> Bool {
    number < 64 && (isIPv4 ? ipv4 : ipv6) &>> UInt64(number) & 1 == 1
  }
}
