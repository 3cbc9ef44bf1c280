import Crypto
import TestSupport
import Testing

@Suite("AES-256-GCM")
struct GcmTests {
  private static let key = [UInt8](repeating: 7, count: 32)
  private static let nonce = [UInt8](repeating: 0, count: 12)

  /// Test cases 13 and 14 of the GCM submission to NIST: an all-zero key and nonce.
  @Test func publishedVectors() {
    let zero = [UInt8](repeating: 0, count: 32)
    let empty = Aes256Gcm.seal([], key: zero, nonce: Self.nonce)
    #expect(empty == bytes("530f8afbc74536b9a963b4f1c4cb738b"))
    let block = Aes256Gcm.seal(
      [UInt8](repeating: 0, count: 16), key: zero, nonce: Self.nonce)
    #expect(block == bytes("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"))
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1_000])
  func whatIsSealedIsOpened(length: Int) {
    let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let sealed = Aes256Gcm.seal(plain, key: Self.key, nonce: Self.nonce)
    #expect(sealed.count == length + Aes256Gcm.tagBytes)
    #expect(Aes256Gcm.open(sealed, key: Self.key, nonce: Self.nonce) == plain)
  }

  @Test func whatIsChangedOrCutIsRefused() {
    let sealed = Aes256Gcm.seal(Array("voice".utf8), key: Self.key, nonce: Self.nonce)
    for length in 0..<sealed.count {
      let cut = Array(sealed.prefix(length))
      #expect(Aes256Gcm.open(cut, key: Self.key, nonce: Self.nonce) == nil)
    }
    for bit in 0..<sealed.count * 8 {
      var changed = sealed
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Aes256Gcm.open(changed, key: Self.key, nonce: Self.nonce) == nil)
    }
    let other = [UInt8](repeating: 8, count: 32)
    #expect(Aes256Gcm.open(sealed, key: other, nonce: Self.nonce) == nil)
  }
}
