import Testing
import Wire

@Suite("SipHash-2-4: the reference vectors")
struct SipHashTests {
  private func hash(_ message: [UInt8]) -> UInt64 {
    var hash = SipHash24(k0: 0x0706_0504_0302_0100, k1: 0x0F0E_0D0C_0B0A_0908)
    return unsafe message.withUnsafeBytes { unsafe hash.finish($0, total: message.count) }
  }

  /// Key 00 to 0f, message 00, 01, 02 and so on, as the authors publish them.
  @Test(arguments: [
    (0, 0x726F_DB47_DD0E_0E31 as UInt64), (1, 0x74F8_39C5_93DC_67FD), (2, 0x0D6C_8009_D9A9_4F5A),
    (3, 0x8567_6696_D7FB_7E2D), (4, 0xCF27_94E0_2771_87B7), (5, 0x1876_5564_CD99_A68D),
    (6, 0xCBC9_466E_58FE_E3CE), (7, 0xAB02_00F5_8B01_D137), (8, 0x93F5_F579_9A93_2462),
    (15, 0xA129_CA61_49BE_45E5), (63, 0x958A_324C_EB06_4572),
  ])
  func vectors(length: Int, expected: UInt64) {
    #expect(hash((0..<length).map { UInt8($0) }) == expected)
  }

  /// Words given one by one count like words in a buffer.
  @Test func wordsAndBytesAgree() {
    let message = (0..<20).map { UInt8($0) }
    var split = SipHash24(k0: 0x0706_0504_0302_0100, k1: 0x0F0E_0D0C_0B0A_0908)
    split.combine(0x0706_0504_0302_0100)
    let tail = Array(message[8...])
    let value = unsafe tail.withUnsafeBytes { unsafe split.finish($0, total: message.count) }
    #expect(value == hash(message))
  }
}
