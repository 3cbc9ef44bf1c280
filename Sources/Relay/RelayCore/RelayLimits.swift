/// The sizes, times and bounds of a relay worker, in one place.
package enum RelayLimits {
  /// How long a flow lives that its transceiver has not answered yet. A client repeats its first
  /// check after 50 to 500 ms, so two seconds see several of them.
  @inlinable package static var candidateNanoseconds: UInt64 { @_noLocks get { 2_000_000_000 } }
  /// How long a route lives after its transceiver's last frame, unless configured. Longer than the
  /// 30 s of consent freshness (RFC 7675, section 5.1), so the transceiver gives up first.
  @inlinable package static var idleMilliseconds: UInt64 { @_noLocks get { 60_000 } }
  /// The shortest idle time that may be configured: consent must run out before the route does.
  @inlinable package static var idleMillisecondsMin: UInt64 { @_noLocks get { 31_000 } }
  /// How long a transceiver stays challenger after its last frame for the client.
  @inlinable package static var challengeNanoseconds: UInt64 { @_noLocks get { 3_000_000_000 } }
  /// An owner that has been silent this long loses the route to a live challenger without proof. A
  /// living session sends at least RTCP every 5 s.
  @inlinable package static var ownerSilenceNanoseconds: UInt64 { @_noLocks get { 12_000_000_000 } }
  /// Listeners of one relay: the bits of `ListenerSet`. The trunk names them by one byte.
  @inlinable package static var listenersMax: Int { @_noLocks get { 64 } }
  /// Transceiver shards that one relay can know in its life, those that are away included. Routes
  /// name them by 16 bits.
  @inlinable package static var transceiversMax: Int { @_noLocks get { 4096 } }
  /// Routes that one worker keeps, unless configured: 56 bytes of memory each, and 4 for
  /// those that are unanswered.
  @inlinable package static var routesMax: Int { @_noLocks get { 32_768 } }
  /// Flows that a worker of `routesMax` routes lets wait for their transceiver's answer.
  package static func candidatesMax(routesMax: Int) -> Int { max(64, routesMax / 8) }
  /// The greatest UDP payload on a 1,500-byte IPv4 path: a large client datagram may fill it alone.
  @inlinable package static var trunkBytesIPv4: Int { @_noLocks get { 1472 } }
  /// The same on IPv6.
  @inlinable package static var trunkBytesIPv6: Int { @_noLocks get { 1452 } }
  /// Bundles are filled to this many bytes of UDP payload, unless configured.
  @inlinable package static var bundleBytes: Int { @_noLocks get { 1400 } }
  /// The smallest `bundleBytes` that a configuration may have: headers, and not even one voice
  /// packet. A guard against our own mistakes; what operators may set is narrower.
  @inlinable package static var bundleBytesMin: Int { @_noLocks get { 64 } }
  /// Bundles that may wait for one flush, and the buffers that are kept for them.
  @inlinable package static var bundlesMax: Int { @_noLocks get { 272 } }
  /// Bundles that one client datagram may open: for the owner and for the challenger.
  @inlinable package static var bundlesPerDatagramMax: Int { @_noLocks get { 2 } }
  /// Datagrams towards clients that may wait for one flush, beyond those of one trunk datagram.
  @inlinable package static var outgoingMax: Int { @_noLocks get { 512 } }
  /// The fewest bytes that a frame with a packet takes of a trunk datagram.
  @inlinable package static var frameBytesMin: Int { @_noLocks get { 10 } }
  /// Slots that one turn examines for expired routes.
  @inlinable package static var sweepSlots: Int { @_noLocks get { 1024 } }
  /// Nanoseconds between two such looks.
  @inlinable package static var sweepNanoseconds: UInt64 { @_noLocks get { 100_000_000 } }
}
