import Crypto
import TestSupport
import Testing

struct HmacVector: Sendable, CustomTestStringConvertible {
  var name: String
  var key: [UInt8]
  var message: [UInt8]
  var tag: String
  var testDescription: String { name }
}

@Suite("HMAC: the vectors of RFC 2202 and RFC 4231")
struct HmacTests {
  private static let largeKeyMessage = Array(
    "Test Using Larger Than Block-Size Key - Hash Key First".utf8)

  static let sha1Vectors: [HmacVector] = [
    HmacVector(
      name: "RFC 2202, 3.1", key: [UInt8](repeating: 0x0B, count: 20),
      message: Array("Hi There".utf8), tag: "b617318655057264e28bc0b6fb378c8ef146be00"),
    HmacVector(
      name: "RFC 2202, 3.2", key: Array("Jefe".utf8),
      message: Array("what do ya want for nothing?".utf8),
      tag: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    HmacVector(
      name: "RFC 2202, 3.3", key: [UInt8](repeating: 0xAA, count: 20),
      message: [UInt8](repeating: 0xDD, count: 50),
      tag: "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
    HmacVector(
      name: "RFC 2202, 3.6", key: [UInt8](repeating: 0xAA, count: 80), message: largeKeyMessage,
      tag: "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
  ]

  static let sha256Vectors: [HmacVector] = [
    HmacVector(
      name: "RFC 4231, 4.2", key: [UInt8](repeating: 0x0B, count: 20),
      message: Array("Hi There".utf8),
      tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    HmacVector(
      name: "RFC 4231, 4.3", key: Array("Jefe".utf8),
      message: Array("what do ya want for nothing?".utf8),
      tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    HmacVector(
      name: "RFC 4231, 4.4", key: [UInt8](repeating: 0xAA, count: 20),
      message: [UInt8](repeating: 0xDD, count: 50),
      tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    HmacVector(
      name: "RFC 4231, 4.7", key: [UInt8](repeating: 0xAA, count: 131), message: largeKeyMessage,
      tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
  ]

  @Test(arguments: sha1Vectors) func sha1(vector: HmacVector) {
    let key = HmacSha1(key: vector.key)
    let tag = unsafe vector.message.withUnsafeBytes { unsafe key.tag($0) }
    #expect(hex(tag.indices.map { tag[$0] }) == vector.tag)
  }

  @Test(arguments: sha256Vectors) func sha256(vector: HmacVector) {
    let key = HmacSha256(key: vector.key)
    let tag = unsafe vector.message.withUnsafeBytes { unsafe key.tag($0) }
    #expect(hex(tag.indices.map { tag[$0] }) == vector.tag)
  }

  /// A message in two pieces has the tag of the whole, wherever it is cut.
  @Test func twoPiecesAreOneMessage() {
    let key = HmacSha1(key: Array("Jefe".utf8))
    let message = [UInt8](0..<200)
    let whole = unsafe message.withUnsafeBytes { unsafe key.tag($0) }
    for cut in 0...message.count {
      var tag = [UInt8](repeating: 0, count: HmacSha1.tagBytes)
      unsafe tag.withUnsafeMutableBufferPointer { tag in
        unsafe message.withUnsafeBytes { message in
          unsafe key.tag(
            UnsafeRawBufferPointer(rebasing: message[0..<cut]),
            UnsafeRawBufferPointer(rebasing: message[cut..<message.count]),
            into: tag.baseAddress!)
        }
      }
      #expect(tag == whole.indices.map { whole[$0] }, "cut at \(cut)")
    }
  }
}
