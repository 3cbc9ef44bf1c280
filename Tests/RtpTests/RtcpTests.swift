import Rtp
import Testing
import Wire

/// The parts of a compound packet; nil when it is malformed.
func parts(_ bytes: [UInt8]) -> [RtcpPart]? {
  guard case .compound(let compound) = unsafe RtcpCompound.parse(bytes.span.bytes) else {
    return nil
  }
  var parts: [RtcpPart] = []
  var offset = 0
  while let found = unsafe compound.part(of: bytes.span.bytes, at: offset) {
    parts.append(found.part)
    offset = found.next
  }
  return parts
}

func defectOfRtcp(_ bytes: [UInt8]) -> RtcpDefect? {
  guard case .malformed(let defect) = unsafe RtcpCompound.parse(bytes.span.bytes) else {
    return nil
  }
  return defect
}

/// What `body` writes.
func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
  var bytes = [UInt8](repeating: 0xEE, count: RtcpWriter.byteCountMax)
  let count = unsafe bytes.withUnsafeMutableBytes { buffer in
    var writer = unsafe ByteWriter(into: buffer)
    body(&writer)
    return writer.count
  }
  return Array(bytes[0..<count])
}

/// A generic NACK from 1 about 2, with these entries of number and following bits.
func nackPacket(_ entries: [(UInt16, UInt16)]) -> [UInt8] {
  var bytes: [UInt8] = [0x81, 205, 0, UInt8(2 + entries.count), 0, 0, 0, 1, 0, 0, 0, 2]
  for (number, following) in entries {
    for value in [number, following] { bytes += [UInt8(value >> 8), UInt8(value & 255)] }
  }
  return bytes
}

@Suite struct RtcpTests {
  static let block = ReportBlock(
    ssrc: 0xABCD, fractionLost: 77, cumulativeLost: -5, highestSequence: 0x0001_FFFE, jitter: 1234,
    lastSenderReport: 0x1122_3344, delaySinceLastSenderReport: 65_536)
  static let info = SenderInfo(
    ntpTime: 0x0102_0304_0506_0708, rtpTime: 99, packetCount: 100, octetCount: 8_000)
  static let name = CanonicalName("0123456789abcdef")

  @Test func `a sender report is read back`() throws {
    let bytes = written {
      RtcpWriter.report(from: 42, info: Self.info, block: Self.block, name: Self.name, to: &$0)
    }
    let found = try #require(parts(bytes))
    #expect(found.count == 2)
    guard case .senderReport(let ssrc, let info, let blocks) = found[0] else {
      Issue.record("not a sender report: \(found[0])")
      return
    }
    #expect(ssrc == 42)
    #expect(info == Self.info)
    #expect(blocks.count == 1)
    #expect(unsafe blocks.block(0, of: bytes.span.bytes) == Self.block)
    #expect(found[1] == .sourceDescription)
    #expect(String(decoding: bytes, as: UTF8.self).contains("0123456789abcdef"))
  }

  @Test(arguments: 1...16)
  func `a name of any length ends on a word`(length: Int) throws {
    let name = CanonicalName(String("abcdefghijklmnop".prefix(length)))
    let bytes = written { RtcpWriter.report(from: 1, info: nil, block: nil, name: name, to: &$0) }
    #expect(bytes.count % 4 == 0)
    let words = try #require(parts(bytes))
    #expect(words.count == 2)
    // The item list ends with a zero, and the length field covers what was written.
    #expect(bytes.last == 0)
    #expect(Int(bytes[11]) * 4 + 4 == bytes.count - 8)
  }

  @Test func `a receiver report and a goodbye are read back`() throws {
    let goodbye = try #require(
      parts(written { RtcpWriter.goodbye(from: 7, name: Self.name, to: &$0) }))
    guard case .receiverReport(let ssrc, let blocks) = goodbye[0] else {
      Issue.record("not a receiver report")
      return
    }
    #expect(ssrc == 7)
    #expect(blocks.count == 0)
    #expect(goodbye.last == .goodbye(ssrc: 7))
    #expect(parts([0x80, 203, 0, 0]) == [.goodbye(ssrc: nil)])
  }

  @Test func `the largest packet fits the stated room`() {
    let bytes = written {
      RtcpWriter.report(from: 1, info: Self.info, block: Self.block, name: Self.name, to: &$0)
    }
    #expect(bytes.count <= RtcpWriter.byteCountMax)
  }

  @Test func `losses are clamped to 24 bits`() throws {
    for (lost, seen) in [
      (Int32.max, Int32(0x7F_FFFF)), (.min, -0x80_0000), (-1, -1), (0, 0), (70_000, 70_000),
    ] {
      let block = ReportBlock(ssrc: 1, cumulativeLost: lost)
      let bytes = written {
        RtcpWriter.report(from: 1, info: nil, block: block, name: Self.name, to: &$0)
      }
      #expect(unsafe ReportBlock(bytes.span.bytes, at: 8).cumulativeLost == seen)
    }
  }

  @Test func `a NACK names numbers, wrapping, up to the limit`() throws {
    let bytes = nackPacket([(65_534, 0b101), (10, 0x8000)])
    guard case .nack(let nack)? = parts(bytes)?.first else {
      Issue.record("not a NACK")
      return
    }
    #expect(nack.sender == 1)
    #expect(nack.media == 2)
    var numbers: [UInt16] = []
    unsafe nack.forEach(of: bytes.span.bytes, limit: 100) { numbers.append($0) }
    #expect(numbers == [65_534, 65_535, 1, 10, 26])
    numbers = []
    unsafe nack.forEach(of: bytes.span.bytes, limit: 2) { numbers.append($0) }
    #expect(numbers == [65_534, 65_535])
  }

  @Test func `padding at the end of a NACK is no request`() {
    var bytes = nackPacket([(5, 0), (0, 4)])
    bytes[0] |= 0x20
    guard case .nack(let nack)? = parts(bytes)?.first else {
      Issue.record("not a NACK")
      return
    }
    var numbers: [UInt16] = []
    unsafe nack.forEach(of: bytes.span.bytes, limit: 100) { numbers.append($0) }
    #expect(numbers == [5])
  }

  @Test func `defects are told apart`() {
    #expect(defectOfRtcp([]) == .length)
    #expect(defectOfRtcp([0x80, 201, 0]) == .length)
    #expect(defectOfRtcp([0x80, 201, 0, 1, 0, 0, 0]) == .length)
    #expect(defectOfRtcp([0x40, 201, 0, 1, 0, 0, 0, 1]) == .version)
    #expect(defectOfRtcp([0x80, 201, 0, 2, 0, 0, 0, 1]) == .partLength)
    #expect(defectOfRtcp([0x81, 201, 0, 1, 0, 0, 0, 1]) == .partLength, "a block is announced")
    #expect(defectOfRtcp([0x80, 200, 0, 1, 0, 0, 0, 1]) == .partLength)
    let padded: [UInt8] = [0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]
    #expect(defectOfRtcp(padded) == nil)
    #expect(defectOfRtcp(padded + [0x80, 201, 0, 1, 0, 0, 0, 1]) == nil, "not in the last part")
    for count: UInt8 in 1...3 { #expect(defectOfRtcp(padded.dropLast() + [count]) == nil) }
    for count: UInt8 in [0, 9, 12, 255] {
      #expect(defectOfRtcp(padded.dropLast() + [count]) == .padding)
    }
    #expect(defectOfRtcp([0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8]) == .partLength)
  }

  @Test func `every length and every broken byte is taken or refused, never trapped on`() {
    let whole =
      written {
        RtcpWriter.report(from: 42, info: Self.info, block: Self.block, name: Self.name, to: &$0)
      } + nackPacket([(1, 1), (2, 2)]) + [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
    #expect(parts(whole)?.count == 4)
    for count in 0...whole.count { exercise(Array(whole[0..<count])) }
    for index in whole.indices {
      for value in UInt8.min...UInt8.max {
        var broken = whole
        broken[index] = value
        exercise(broken)
      }
    }
  }

  /// Reads everything that a parsed packet gives access to.
  private func exercise(_ bytes: [UInt8]) {
    for part in parts(bytes) ?? [] {
      switch part {
      case .senderReport(_, _, let blocks), .receiverReport(_, let blocks):
        for index in 0..<blocks.count { _ = unsafe blocks.block(index, of: bytes.span.bytes) }
      case .nack(let nack):
        unsafe nack.forEach(of: bytes.span.bytes, limit: 1_000) { _ in }
      default:
        break
      }
    }
  }
}
