internal import Wire

/// The key of a trunk: 16 bytes that every relay and transceiver of a cluster holds. A secret; it
/// describes itself without the key.
package struct TrunkKey: Sendable, BitwiseCopyable, CustomStringConvertible, CustomReflectable {
  private let k0: UInt64
  private let k1: UInt64

  /// nil unless there are 16 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    k0 = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    k1 = bytes[8...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Without the key, so that no log line has it.
  package var description: String { "TrunkKey" }
  /// Without the key, so that no dump has it.
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// The tag of a datagram: of all its bytes but those of the tag itself.
  @_noLocks
  func tag(_ datagram: UnsafeRawBufferPointer) -> UInt64 {
    var hash = SipHash24(k0: k0, k1: k1)
    unsafe hash.combine(UInt64(littleEndian: datagram.loadUnaligned(as: UInt64.self)))
    let body = unsafe UnsafeRawBufferPointer(rebasing: datagram[TrunkHeader.bytes..<datagram.count])
    return unsafe hash.finish(body, total: TrunkHeader.tagOffset + body.count)
  }
}
