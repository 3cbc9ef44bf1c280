import Testing
import Wire

@testable import Rtp

/// draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1, bit by bit.
@Suite struct TransportFeedbackTests {
  /// A feedback message about `count` packets from number 10 on, with these chunks and deltas.
  private func message(
    _ count: UInt16, chunks: [UInt16], deltas: [UInt8], reference: [UInt8] = [0, 0, 2]
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x8F, 205, 0, 0, 0, 0, 0, 9, 0, 0, 0, 8, 0, 10]
    bytes += [UInt8(count >> 8), UInt8(count & 0xFF)] + reference + [0]
    for chunk in chunks { bytes += [UInt8(chunk >> 8), UInt8(chunk & 0xFF)] }
    bytes += deltas
    while bytes.count % 4 != 0 { bytes.append(0) }
    bytes[3] = UInt8(bytes.count / 4 - 1)
    return bytes
  }

  /// What `bytes` tell; nil when they are no feedback.
  private func told(_ bytes: [UInt8]) -> [UInt16: Int64?]? {
    let span = unsafe bytes.span.bytes
    guard case .compound(let compound) = RtcpCompound.parse(span),
      case .transportFeedback(let feedback)? = compound.part(of: span, at: 0)?.part
    else { return nil }
    var told: [UInt16: Int64?] = [:]
    feedback.forEach(of: span) { told.updateValue($1, forKey: $0) }
    return told
  }

  /// Without a multiple of four, and not always in the last part.
  @Test func `padding to a whole word is no delta, as libwebrtc writes it`() {
    for padding in 1...3 {
      let deltas = (0..<(6 - padding)).map { UInt8($0) }
      let count = UInt16(deltas.count)
      var bytes = message(count, chunks: [0x2000 | count], deltas: deltas)
      bytes[0] |= 0x20
      bytes[bytes.count - 1] = UInt8(padding)
      #expect(bytes.count == 28)
      #expect(told(bytes)?.count == deltas.count)
      // A report may follow.
      #expect(told(bytes + [0x80, 201, 0, 1, 0, 0, 0, 9])?.count == deltas.count)
    }
  }

  @Test func `a run of packets with small deltas`() {
    let bytes = message(3, chunks: [0x2003], deltas: [4, 80, 255])
    #expect(told(bytes) == [10: 129_000, 11: 149_000, 12: 212_750])
  }

  @Test func `a run of packets that did not come`() {
    #expect(told(message(2, chunks: [0x0002], deltas: [])) == [10: nil, 11: nil])
  }

  @Test func `a vector of single bits, longer than the count`() {
    let bytes = message(4, chunks: [0b10_1011_0000_0000_00], deltas: [4, 4, 4])
    #expect(told(bytes) == [10: 129_000, 11: nil, 12: 130_000, 13: 131_000])
  }

  @Test func `a vector of two bits, with deltas of both sizes and signs`() {
    let bytes = message(
      4, chunks: [0b11_01_10_00_10_000000], deltas: [4, 0x01, 0x90, 0xFF, 0xF8])
    #expect(told(bytes) == [10: 129_000, 11: 229_000, 12: nil, 13: 227_000])
  }

  @Test func `several chunks in a row, and the last reference before the wrap`() {
    let bytes = message(
      5, chunks: [0x0003, 0x2002], deltas: [0, 4], reference: [0xFF, 0xFF, 0xFF])
    let last: Int64 = 0xFF_FFFF * 64_000
    #expect(told(bytes) == [10: nil, 11: nil, 12: nil, 13: last, 14: last + 1_000])
  }

  @Test func `what does not fit is no feedback, or ends early`() {
    #expect(told(message(9, chunks: [0x2003], deltas: [])) == nil, "chunks for three of nine")
    #expect(told(message(20, chunks: [0x2000, 0x2000], deltas: [])) == nil, "runs of none")
    let short = message(12, chunks: [0x200C], deltas: [1, 1])
    #expect(told(short)?.count == 2)
    #expect(told([0x8F, 205, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8]) == nil, "shorter than its head")
  }

  @Test func `one message is read as far as the bound`() {
    let chunks = [UInt16](repeating: 0x1FFF, count: 8)
    #expect(told(message(65_535, chunks: chunks + [7], deltas: []))?.count == 512)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `noise never traps`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      var bytes = message(
        UInt16(truncatingIfNeeded: random.next() & 63),
        chunks: (0..<random.next() % 6).map { _ in UInt16(truncatingIfNeeded: random.next()) },
        deltas: (0..<random.next() % 30).map { _ in UInt8(truncatingIfNeeded: random.next()) })
      if random.next() % 4 == 0 { bytes[0] |= 0x20 }
      if let told = told(bytes) { #expect(told.count <= 64) }
    }
  }
}
