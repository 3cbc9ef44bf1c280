/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit tag of bytes, fast on short input.
///
/// Words go in with `combine`, the last one to seven bytes and the length with `finish`. Allocates
/// nothing.
package struct SipHash24: Sendable, BitwiseCopyable {
  @usableFromInline var v0: UInt64
  @usableFromInline var v1: UInt64
  @usableFromInline var v2: UInt64
  @usableFromInline var v3: UInt64

  /// The key's bytes 0 to 7 and 8 to 15, each read as a little-endian number.
  @_noLocks @inlinable
  package init(k0: UInt64, k1: UInt64) {
    v0 = k0 ^ 0x736F_6D65_7073_6575
    v1 = k1 ^ 0x646F_7261_6E64_6F6D
    v2 = k0 ^ 0x6C79_6765_6E65_7261
    v3 = k1 ^ 0x7465_6462_7974_6573
  }

  /// Takes eight bytes, read as a little-endian number.
  @_noLocks @inlinable @inline(__always)
  package mutating func combine(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  /// Takes all whole words of `bytes` and, as the very last, what is left over; `total` is the
  /// number of bytes that went in since `init`, these included.
  @_noLocks @inlinable
  package mutating func finish(_ bytes: UnsafeRawBufferPointer, total: Int) -> UInt64 {
    let words = bytes.count & ~7
    var offset = 0
    while offset < words {
      unsafe combine(
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    var last = UInt64(truncatingIfNeeded: total) << 56
    while offset < bytes.count {
      unsafe last |= UInt64(bytes[offset]) << UInt64(8 * (offset & 7))
      offset += 1
    }
    combine(last)
    v2 ^= 0xFF
    round()
    round()
    round()
    round()
    return v0 ^ v1 ^ v2 ^ v3
  }

  @_noLocks @inlinable @inline(__always)
  mutating func round() {
    v0 &+= v1
    v2 &+= v3
    v1 = (v1 << 13 | v1 >> 51) ^ v0
    v3 = (v3 << 16 | v3 >> 48) ^ v2
    v0 = v0 << 32 | v0 >> 32
    v2 &+= v1
    v0 &+= v3
    v1 = (v1 << 17 | v1 >> 47) ^ v2
    v3 = (v3 << 21 | v3 >> 43) ^ v0
    v2 = v2 << 32 | v2 >> 32
  }
}
