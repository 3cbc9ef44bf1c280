import CProbe
import Testing
import Wire

@Suite("Budget: STUN costs no allocation", .serialized, .enabled(if: probe_is_alone()))
struct WireBudgetTests {
  @Test func parsing() {
    let request = StunVectorTests.request
    var usernameBytes = 0
    let span = unsafe request.span.bytes
    probe_begin()
    for _ in 0..<1_000 {
      if case .message(let message) = StunMessage.parse(span) {
        usernameBytes += message.localUfrag(in: span)?.count ?? 0
      }
    }
    let counts = probe_end()
    #expect(usernameBytes == 4_000)
    expectNothing(counts)
  }

  @Test func writing() {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    var written = 0
    let address = TransportAddress(ipv4: 0xC000_0201, port: 32853)
    let counts = unsafe buffer.withUnsafeMutableBytes { buffer in
      probe_begin()
      for low in 0..<1_000 {
        var writer = unsafe StunWriter(
          into: buffer, type: .bindingSuccess, transactionID: .init(high: 0, low: UInt64(low)))
        writer.append(xorMappedAddress: address)
        writer.appendFingerprint()
        written += writer.count
      }
      return probe_end()
    }
    #expect(written == 40_000)
    expectNothing(counts)
  }
}

/// Asserts that a window saw no allocation and no reference count.
func expectNothing(
  _ counts: probe_counts, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(counts.mallocs == 0, sourceLocation: sourceLocation)
  #expect(counts.frees == 0, sourceLocation: sourceLocation)
  #expect(counts.retains == 0, sourceLocation: sourceLocation)
  #expect(counts.releases == 0, sourceLocation: sourceLocation)
  #expect(counts.objects == 0, sourceLocation: sourceLocation)
}
