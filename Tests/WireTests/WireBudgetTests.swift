import TestSupport
import Testing
import Wire

@Suite("Budget: STUN costs no allocation", .serialized, .enabled(if: Cost.isMeasurable))
struct WireBudgetTests {
  @Test func parsing() {
    let request = Rfc5769.request
    let span = unsafe request.span.bytes
    var usernameBytes = 0
    let cost = Cost.of {
      for _ in 0..<1_000 {
        guard case .message(let message) = StunMessage.parse(span) else { continue }
        usernameBytes += message.localUfrag(in: span)?.count ?? 0
      }
    }
    #expect(usernameBytes == 4_000)
    #expect(cost == .nothing)
  }

  @Test func writing() {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let address = TransportAddress(ipv4: 0xC000_0201, port: 32853)
    var written = 0
    let cost = unsafe buffer.withUnsafeMutableBytes { buffer in
      Cost.of {
        for low in 0..<1_000 {
          var writer = unsafe StunWriter(
            into: buffer, type: .bindingSuccess, transactionID: .init(high: 0, low: UInt64(low)))
          writer.append(xorMappedAddress: address)
          writer.appendFingerprint()
          written += writer.count
        }
      }
    }
    #expect(written == 40_000)
    #expect(cost == .nothing)
  }
}
