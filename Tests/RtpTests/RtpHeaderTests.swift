import Rtp
import Testing
import Wire

/// Parses `bytes` as RTP; nil when malformed.
func parsed(_ bytes: [UInt8]) -> RtpHeader? {
  guard case .packet(let header) = unsafe RtpHeader.parse(bytes.span.bytes) else { return nil }
  return header
}

/// Why `bytes` are not RTP; nil when they are.
func defect(_ bytes: [UInt8]) -> RtpDefect? {
  guard case .malformed(let defect) = unsafe RtpHeader.parse(bytes.span.bytes) else { return nil }
  return defect
}

@Suite struct RtpHeaderTests {
  /// Two contributing sources, an extension of two words, five bytes of payload, three of padding.
  static let everything: [UInt8] =
    [0xB2, 0xEF, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8] + [UInt8](repeating: 9, count: 8)
    + [0xBE, 0xDE, 0, 2, 10, 11, 12, 13, 14, 15, 16, 17] + [1, 2, 3, 4, 5] + [0, 0, 3]

  @Test func `all fields are read`() throws {
    let header = try #require(parsed(Self.everything))
    #expect(header.marker)
    #expect(header.payloadType == 111)
    #expect(header.sequenceNumber == 0x1234)
    #expect(header.timestamp == 0x0102_0304)
    #expect(header.ssrc == 0x0506_0708)
    #expect(header.csrcCount == 2)
    #expect(header.extensionProfile == 0xBEDE)
    #expect(header.extensionData == ByteRange(offset: 24, count: 8))
    #expect(header.payload == ByteRange(offset: 32, count: 5))
    #expect(header.paddingCount == 3)
  }

  /// RFC 6464 in both forms of RFC 8285, behind another element and padding.
  @Test(
    arguments: [
      ([0xBE, 0xDE, 0, 2, 0x31, 9, 9, 0, 0x10, 0x80 | 42, 0, 0], 42),
      ([0x10, 0x05, 0, 2, 3, 1, 9, 0, 1, 1, 127, 0], 127),
      ([0xBE, 0xDE, 0, 1, 0x30, 9, 0, 0], nil),
      ([0xBE, 0xDE, 0, 1, 0xF0, 0x10, 7, 0], nil),
      ([0xBE, 0xDE, 0, 1, 0, 0, 0, 0x10], nil),
      ([0x10, 0x00, 0, 1, 0, 0, 0, 1], nil),
      ([0x10, 0x00, 0, 1, 1, 0, 0, 0], nil),
      ([0xAB, 0xCD, 0, 1, 0x10, 7, 0, 0], nil),
    ] as [([UInt8], UInt8?)])
  func `the level is read where it is said`(words: [UInt8], level: UInt8?) throws {
    let bytes: [UInt8] = [0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1] + words + [1, 2, 3]
    let header = try #require(parsed(bytes))
    #expect(unsafe header.audioLevel(in: bytes.span.bytes, id: 1) == level)
  }

  @Test func `what is written is read back`() throws {
    var bytes = [UInt8](repeating: 0xFF, count: 12)
    let written = RtpHeader(
      marker: true, payloadType: 96, sequenceNumber: 65_535, timestamp: .max, ssrc: 0xDEAD_BEEF)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      var writer = unsafe ByteWriter(into: buffer)
      written.write(to: &writer)
    }
    #expect(parsed(bytes) == written)
  }

  @Test func `a packet of padding only has no payload`() throws {
    let bytes: [UInt8] = [0xA0, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
    let header = try #require(parsed(bytes))
    #expect(header.payload.count == 0)
    #expect(header.paddingCount == 4)
  }

  @Test func `every length is taken or refused, never trapped on`() {
    for count in 0...Self.everything.count {
      let cut = Array(Self.everything[0..<count])
      guard let header = parsed(cut) else { continue }
      #expect(header.payload.end + Int(header.paddingCount) == count)
    }
  }

  @Test func `defects are told apart`() {
    let whole = Self.everything
    #expect(defect([]) == .length)
    #expect(defect(Array(whole[0..<11])) == .length)
    #expect(defect(Array(whole[0..<19])) == .length)
    #expect(defect([0x40] + whole[1...]) == .version)
    #expect(defect(Array(whole[0..<23])) == .headerExtension)
    #expect(defect(Array(whole[0..<31])) == .headerExtension)
    #expect(defect(Array(whole[0..<32])) == .padding, "padding announced, nothing follows")
    #expect(defect(whole.dropLast() + [0]) == .padding)
    #expect(defect(whole.dropLast() + [9]) == .padding)
    #expect(defect([UInt8](repeating: 0x80, count: 65_536)) == .length)
  }

  @Test func `noise never traps`() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<20_000 {
      let count = Int(random.next() % 64)
      var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      if !bytes.isEmpty { bytes[0] = bytes[0] & 0x3F | 0x80 }
      if let header = parsed(bytes) { #expect(header.payload.end <= bytes.count) }
    }
  }

  @Test func `RTCP is told from RTP by its second byte`() {
    for second in UInt8.min...UInt8.max {
      let bytes: [UInt8] = [0x80, second, 0, 1, 0, 0, 0, 0]
      #expect(unsafe isRtcp(bytes.span.bytes) == (192...223 ~= second))
      #expect(unsafe !isRtcp(Array(bytes[0..<7]).span.bytes))
    }
  }
}
