import Crypto
import TestSupport
import Testing
import Wire

@Suite("MESSAGE-INTEGRITY: the vectors of RFC 5769, and what must not pass")
struct StunIntegrityTests {
  private func verifies(_ bytes: [UInt8], _ password: [UInt8] = Rfc5769.password) -> Bool {
    let span = unsafe bytes.span.bytes
    guard case .message(let message) = StunMessage.parse(span) else { return false }
    return StunIntegrity.verify(span, message, key: HmacSha1(key: password))
  }

  @Test(arguments: [Rfc5769.request, Rfc5769.responseIPv4, Rfc5769.responseIPv6])
  func vectors(whole: [UInt8]) {
    #expect(verifies(whole))
    #expect(!verifies(whole, Array("VOkJxbRl1RmTxUk/WvJxBT".utf8)))
    #expect(!verifies(whole, []))
  }

  /// FINGERPRINT is not covered; everything else is, to the bit.
  @Test func everyBitCounts() {
    let covered = Rfc5769.request.count - StunLimits.fingerprintBytes
    for bit in 0..<(covered * 8) {
      var changed = Rfc5769.request
      changed[bit / 8] ^= 1 << (bit % 8)
      #expect(!verifies(changed), "bit \(bit)")
    }
  }

  /// The tag holds without FINGERPRINT too, in a header that says so.
  @Test func withoutFingerprint() {
    var short = Array(Rfc5769.request.dropLast(StunLimits.fingerprintBytes))
    short[3] -= UInt8(StunLimits.fingerprintBytes)
    #expect(verifies(short))
  }

  @Test func withoutIntegrityNothingVerifies() {
    let whole = written { $0.append(priority: 1) }
    #expect(!verifies(whole))
  }

  @Test(arguments: [true, false]) func whatWeSignVerifies(fingerprint: Bool) {
    for padding in 0..<130 {
      let value = [UInt8](repeating: 0x55, count: padding)
      let whole = written {
        unsafe $0.append(attribute: StunAttribute.software, value.span.bytes)
        StunIntegrity.append(to: &$0, key: HmacSha1(key: Rfc5769.password))
        if fingerprint { $0.appendFingerprint() }
      }
      #expect(verifies(whole), "padding \(padding)")
    }
  }

  private func written(_ write: (inout StunWriter) -> Void) -> [UInt8] {
    var buffer = [UInt8](repeating: 0xEE, count: StunWriter.bytesMax)
    return unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe StunWriter(
        into: buffer, type: .bindingRequest, transactionID: .init(high: 1, low: 2))
      write(&writer)
      return unsafe Array(writer.written)
    }
  }
}
