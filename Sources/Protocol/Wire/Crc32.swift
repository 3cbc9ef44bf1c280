/// CRC-32 of ITU V.42, the checksum of FINGERPRINT (RFC 8489, section 14.7).
package struct Crc32: Sendable, BitwiseCopyable {
  private var register: UInt32 = 0xFFFF_FFFF

  /// Has taken nothing: `value` is 0.
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
    let index = Int(UInt8(truncatingIfNeeded: register) ^ byte)
    // A table in static memory; the compiler's check takes it for a lazy global.
    let row = unsafe _unsafePerformance { Self.table[index] }
    register = register >> 8 ^ row
  }
}
