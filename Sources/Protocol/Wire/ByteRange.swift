/// A part of a datagram, by position: what a parser returns in place of a slice.
///
/// Four bytes, trivially copyable. It says nothing about which datagram it belongs to: use it with
/// the bytes it was parsed from.
package struct ByteRange: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline var start: UInt16
  @usableFromInline var length: UInt16

  /// Traps when either number does not fit 16 bits; no datagram is longer than that.
  @_noLocks @inlinable
  package init(offset: Int, count: Int) {
    start = UInt16(offset)
    length = UInt16(count)
  }

  /// Bytes from the start of the datagram.
  @inlinable package var offset: Int { @_noLocks get { Int(start) } }
  /// Bytes in the part.
  @inlinable package var count: Int { @_noLocks get { Int(length) } }
  /// The first offset after the part.
  @inlinable package var end: Int { @_noLocks get { Int(start) + Int(length) } }
}
