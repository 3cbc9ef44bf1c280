package import Wire

/// Which way a trunk datagram goes. 3 and 4 are kept free for a probe and its reply.
package enum TrunkKind: UInt8, Sendable, BitwiseCopyable {
  /// From a relay to a transceiver: frames from clients.
  case up = 1
  /// From a transceiver to a relay: frames for clients.
  case down = 2

  /// The kind that a header's four bits name; nil for the fourteen that have no meaning.
  @_noLocks
  static func decode(_ bits: UInt8) -> TrunkKind? {
    switch bits {
    case 1: .up
    case 2: .down
    default: nil
    }
  }
}

/// The first 16 bytes of a trunk datagram:
///
///     version 4 bits, kind 4 bits | cluster 2 B | transceiver 3 B | ingress relay 2 B | tag 8 B
///
/// The destination is in every datagram, so a relay between relays needs no state. The tag is
/// SipHash-2-4 over everything else; it is zero where no key is configured, which the runtimes
/// allow only when both ends are on the loopback interface.
package struct TrunkHeader: Hashable, Sendable, BitwiseCopyable {
  /// Bytes in the header.
  @inlinable package static var bytes: Int { @_noLocks get { 16 } }
  /// The version written, and the only one taken.
  @inlinable package static var version: UInt8 { @_noLocks get { 1 } }
  /// Where the tag begins.
  static var tagOffset: Int { @_noLocks get { 8 } }

  /// Which way the datagram goes.
  package var kind: TrunkKind
  /// The cluster that both ends belong to; a datagram of another is not taken.
  package var cluster: UInt16
  /// The destination of `up`, the origin of `down`.
  package var transceiver: TransceiverID
  /// The ID of the relay that the clients came to; goes back unchanged.
  package var ingress: UInt16

  /// What stands in every datagram between the two; the tag is written by `BundleWriter.seal`.
  @_noLocks @inlinable
  package init(kind: TrunkKind, cluster: UInt16, transceiver: TransceiverID, ingress: UInt16) {
    self.kind = kind
    self.cluster = cluster
    self.transceiver = transceiver
    self.ingress = ingress
  }

  /// Writes the header with an empty tag.
  @_noLocks
  func write(to writer: inout ByteWriter) {
    writer.append(u8: Self.version << 4 | kind.rawValue)
    writer.append(u16: cluster)
    writer.append(u8: UInt8(truncatingIfNeeded: transceiver.rawValue >> 16))
    writer.append(u16: UInt16(truncatingIfNeeded: transceiver.rawValue))
    writer.append(u16: ingress)
    writer.append(u64: 0)
  }
}
