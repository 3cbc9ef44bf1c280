/// CRC-32 of ITU V.42, the checksum of FINGERPRINT (RFC 8489, section 14.7).
package struct Crc32: Sendable, BitwiseCopyable {
  private var register: UInt32 = 0xFFFF_FFFF

  @_noLocks package init() {}

  /// The checksum of everything taken so far.
  package var value: UInt32 { @_noLocks get { ~register } }

  /// Takes the first `count` bytes of `bytes`; traps when there are fewer.
  @_noLocks
  package mutating func update(_ bytes: RawSpan, count: Int) {
    var offset = 0
    while offset < count {
      update(bytes.u8(at: offset))
      offset += 1
    }
  }

  /// Takes all of `bytes`.
  @_noLocks
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset < bytes.count {
      unsafe update(bytes[offset])
      offset += 1
    }
  }

  /// Takes one byte.
  @_noLocks
  package mutating func update(_ byte: UInt8) {
    register ^= UInt32(byte)
    register = register >> 4 ^ Self.nibble(register & 15)
    register = register >> 4 ^ Self.nibble(register & 15)
  }

  /// The register after four zero bits, for the reversed polynomial 0xEDB88320.
  @_noLocks @inline(__always)
  private static func nibble(_ low: UInt32) -> UInt32 {
    var result: UInt32 = 0
    result ^= low & 1 == 0 ? 0 : 0x1DB7_1064
    result ^= low & 2 == 0 ? 0 : 0x3B6E_20C8
    result ^= low & 4 == 0 ? 0 : 0x76DC_4190
    result ^= low & 8 == 0 ? 0 : 0xEDB8_8320
    return result
  }
}
