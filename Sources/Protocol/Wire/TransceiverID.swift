/// Which transceiver shard owns a session: 24 bits, the node above the shard.
///
/// An ID, never an address: relays resolve it through a directory that they were started with, so
/// that a leaked key cannot turn a relay into an open proxy.
package struct TransceiverID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// `node << 8 | shard`; the upper eight bits are always zero.
  package let rawValue: UInt32

  /// Keeps the lower 24 bits of `rawValue`.
  @_noLocks @inlinable
  package init(rawValue: UInt32) { self.rawValue = rawValue & 0xFF_FFFF }

  /// Any pair will do; which of them there are, a relay's directory knows.
  @_noLocks @inlinable
  package init(node: UInt16, shard: UInt8) { rawValue = UInt32(node) << 8 | UInt32(shard) }

  /// The machine (or process) within the cluster.
  @inlinable package var node: UInt16 {
    @_noLocks get { UInt16(truncatingIfNeeded: rawValue >> 8) }
  }
  /// The shard within the node: one thread with its own socket.
  @inlinable package var shard: UInt8 { @_noLocks get { UInt8(truncatingIfNeeded: rawValue) } }

  /// `node.shard`, as logs and the page show it. Allocates.
  package var description: String { "\(node).\(shard)" }
}
