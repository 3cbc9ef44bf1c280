import Sctp
import Testing
import Wire

@Suite("CRC-32C")
struct ChecksumTests {
  private func crc(_ bytes: [UInt8]) -> UInt32 { unsafe Crc32c.of(bytes.span.bytes) }

  /// RFC 3720, appendix B.4, whose numbers are written with the low byte first there.
  @Test func publishedVectors() {
    #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(crc((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(crc((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
  }

  /// Every length, against the polynomial bit by bit.
  @Test func allLengths() {
    let bytes = pattern(300, seed: 1)
    for count in 0...bytes.count {
      var register: UInt32 = 0xFFFF_FFFF
      for byte in bytes[..<count] {
        register ^= UInt32(byte)
        for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0x82F6_3B78 : 0) }
      }
      #expect(crc(Array(bytes[..<count])) == ~register)
    }
  }

  @Test func theFieldItselfCountsAsZero() {
    var bytes = pattern(100, seed: 2)
    let before = unsafe Crc32c.ofPacket(bytes.span.bytes)
    for index in 8..<12 { bytes[index] = 0 }
    #expect(before == crc(bytes))
    bytes[12] ^= 1
    #expect(before != crc(bytes))
  }
}
