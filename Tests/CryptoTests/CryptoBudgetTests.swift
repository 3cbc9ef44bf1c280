import Crypto
import TestSupport
import Testing
import Wire

@Suite("Budget: integrity and AES cost no allocation", .serialized, .enabled(if: Cost.isMeasurable))
struct CryptoBudgetTests {
  /// As the relay does it: the key is new for every message.
  @Test func verifyingWithAFreshKey() {
    let password = Rfc5769.password
    let request = Rfc5769.request
    let span = unsafe request.span.bytes
    var verified = 0
    let cost = unsafe password.withUnsafeBytes { password in
      Cost.of {
        for _ in 0..<1_000 {
          guard case .message(let message) = StunMessage.parse(span) else { continue }
          let key = unsafe HmacSha1(key: password)
          verified += StunIntegrity.verify(span, message, key: key) ? 1 : 0
        }
      }
    }
    #expect(verified == 1_000)
    #expect(cost == .nothing)
  }

  @Test func signing() {
    let key = HmacSha1(key: Rfc5769.password)
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    var written = 0
    let cost = unsafe buffer.withUnsafeMutableBytes { buffer in
      Cost.of {
        for _ in 0..<1_000 {
          var writer = unsafe StunWriter(
            into: buffer, type: .bindingSuccess, transactionID: .init(high: 1, low: 2))
          StunIntegrity.append(to: &writer, key: key)
          written += writer.count
        }
      }
    }
    #expect(written == 44_000)
    #expect(cost == .nothing)
  }

  @Test func blocks() {
    let aes = Aes128(key: [UInt8](repeating: 7, count: 16))
    var block = AesBlock(high: 1, low: 2)
    let cost = Cost.of {
      for _ in 0..<1_000 { block = aes.decrypt(block) }
      for _ in 0..<1_000 { block = aes.encrypt(block) }
    }
    #expect(block == AesBlock(high: 1, low: 2))
    #expect(cost == .nothing)
  }
}
