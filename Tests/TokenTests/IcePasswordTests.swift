import Crypto
import Testing
import Token
import Wire

@Suite("ICE passwords, derived")
struct IcePasswordTests {
  private let deriver = IcePasswordDeriver(TokenTests.keys())

  @Test(arguments: 0..<100) func isLettersAndDigits(seed: UInt64) {
    let text = deriver.derive(TokenTests.seal(seed: seed)).text
    #expect(text.utf8.count == 32)
    #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
  }

  @Test func dependsOnUfragAndKey() {
    let token = TokenTests.seal()
    let text = deriver.derive(token).text
    #expect(text == deriver.derive(token).text)
    #expect(text != deriver.derive(TokenTests.seal(seed: 10)).text)
    #expect(text != IcePasswordDeriver(TokenTests.keys(seed: 2)).derive(token).text)
  }

  /// The relay has the ufrag inside a datagram, the transceiver has the token.
  @Test func bothWaysAgree() {
    let token = TokenTests.seal()
    let octets = Array("..\(token.text):abcd".utf8)
    let inPlace = unsafe deriver.derive(octets.span.bytes, at: 2, length: 23)
    #expect(inPlace.text == deriver.derive(token).text)
  }

  @Test func keysIntegrity() {
    let password = deriver.derive(TokenTests.seal())
    let message = Array("message".utf8)
    let first = unsafe message.withUnsafeBytes { unsafe password.integrityKey.tag($0) }
    let second = unsafe message.withUnsafeBytes {
      unsafe HmacSha1(key: password.text.utf8).tag($0)
    }
    #expect(first.indices.allSatisfy { first[$0] == second[$0] })
  }
}
