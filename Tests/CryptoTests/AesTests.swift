import Crypto
import TestSupport
import Testing

@Suite("AES-128: the vectors of FIPS 197")
struct AesTests {
  @Test func appendixB() {
    let aes = Aes128(key: bytes("2b7e151628aed2a6abf7158809cf4f3c"))
    let plain = AesBlock(high: 0x3243_F6A8_885A_308D, low: 0x3131_98A2_E037_0734)
    let sealed = AesBlock(high: 0x3925_841D_02DC_09FB, low: 0xDC11_8597_196A_0B32)
    #expect(aes.encrypt(plain) == sealed)
    #expect(aes.decrypt(sealed) == plain)
  }

  @Test func appendixC1() {
    let aes = Aes128(key: bytes("000102030405060708090a0b0c0d0e0f"))
    let plain = AesBlock(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
    let sealed = AesBlock(high: 0x69C4_E0D8_6A7B_0430, low: 0xD8CD_B780_70B4_C55A)
    #expect(aes.encrypt(plain) == sealed)
    #expect(aes.decrypt(sealed) == plain)
  }

  /// One context serves block after block, in both directions in turn.
  @Test func contextsCarryNothingOver() {
    let aes = Aes128(key: bytes("000102030405060708090a0b0c0d0e0f"))
    for number in 0..<1_000 {
      let block = AesBlock(high: UInt64(number), low: .max)
      #expect(aes.decrypt(aes.encrypt(block)) == block)
      #expect(aes.encrypt(aes.decrypt(block)) == block)
    }
  }

  @Test func wrongKeyLengthTraps() async {
    await #expect(processExitsWith: .failure) {
      _ = Aes128(key: [UInt8](repeating: 0, count: 15)).encrypt(AesBlock(high: 0, low: 0))
    }
  }
}
