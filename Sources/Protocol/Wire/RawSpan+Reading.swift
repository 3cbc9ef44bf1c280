extension RawSpan {
  /// The byte at `offset`. Traps out of bounds: check a hostile length first. Allocates nothing.
  @_noLocks @inlinable @inline(__always)
  package func u8(at offset: Int) -> UInt8 {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  /// The 16-bit number at `offset`, network order. Traps out of bounds.
  @_noLocks @inlinable @inline(__always)
  package func u16(at offset: Int) -> UInt16 {
    unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The 32-bit number at `offset`, network order. Traps out of bounds.
  @_noLocks @inlinable @inline(__always)
  package func u32(at offset: Int) -> UInt32 {
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The 64-bit number at `offset`, network order. Traps out of bounds.
  @_noLocks @inlinable @inline(__always)
  package func u64(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
