import Rtp
import Testing
import Wire

@testable import Voice

/// Makes packets of redundant audio (RFC 2198) of plain ones, each with `copies` earlier payloads.
struct RedWrapper {
  let copies: Int
  private var earlier: [(timestamp: UInt32, payload: [UInt8])] = []
  static let payloadType: UInt8 = 63

  init(copies: Int) { self.copies = copies }

  mutating func wrap(_ packet: inout [UInt8]) {
    let timestamp = packet[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
    let payload = Array(packet[12...])
    var headers: [UInt8] = []
    var data: [UInt8] = []
    for block in earlier.suffix(copies) where timestamp &- block.timestamp < 16_384 {
      headers += Self.header(
        type: packet[1] & 0x7F, offset: timestamp &- block.timestamp, length: block.payload.count)
      data += block.payload
    }
    headers.append(packet[1] & 0x7F)
    earlier.append((timestamp, payload))
    packet = Array(packet[..<12]) + headers + data + payload
    packet[1] = packet[1] & 0x80 | Self.payloadType
  }

  static func header(type: UInt8, offset: UInt32, length: Int) -> [UInt8] {
    let word = 1 << 31 | UInt32(type) << 24 | offset << 10 | UInt32(length)
    return (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
  }
}

@Suite struct RedPayloadTests {
  /// One frame of 20 ms, CELT.
  private static let frame: [UInt8] = [0xF8, 1, 2, 3]

  private func parse(_ bytes: [UInt8]) -> RedParse {
    unsafe RedPayload.parse(
      bytes.span.bytes, at: ByteRange(offset: 0, count: bytes.count), payloadTypes: [111])
  }

  private func defect(_ bytes: [UInt8]) -> RedDefect? {
    guard case .malformed(let defect) = parse(bytes) else { return nil }
    return defect
  }

  private func blocks(_ parts: [(offset: UInt32, payload: [UInt8])], type: UInt8 = 111) -> [UInt8] {
    parts.flatMap { RedWrapper.header(type: type, offset: $0.offset, length: $0.payload.count) }
      + [111] + parts.flatMap(\.payload)
  }

  @Test func `blocks are found, the oldest first, with the numbers that they had`() throws {
    let bytes = blocks([(2_880, Self.frame), (1_920, []), (960, [0xF8, 9])]) + Self.frame
    guard case .payload(let payload) = parse(bytes) else {
      Issue.record("refused")
      return
    }
    #expect(payload.redundantCount == 2, "an empty block has a place and nothing else")
    let (old, new) = (payload.redundant(0), payload.redundant(1))
    #expect(old.packetsBack == 3 && old.timestampOffset == 2_880)
    #expect(Array(bytes[old.range.offset..<old.range.end]) == Self.frame)
    #expect(new.packetsBack == 1 && new.timestampOffset == 960)
    #expect(Array(bytes[new.range.offset..<new.range.end]) == [0xF8, 9])
    #expect(Array(bytes[payload.primary.offset..<payload.primary.end]) == Self.frame)
  }

  @Test func `a primary block alone, and an empty one`() {
    guard case .payload(let alone) = parse([111] + Self.frame) else {
      Issue.record("refused")
      return
    }
    #expect(alone.redundantCount == 0 && alone.primary.count == 4)
    guard case .payload(let empty) = parse(blocks([(960, Self.frame)])) else {
      Issue.record("refused")
      return
    }
    #expect(empty.redundantCount == 1 && empty.primary.count == 0)
  }

  @Test func `lengths that lie`() {
    #expect(defect([]) == .length)
    let whole = blocks([(1_920, Self.frame), (960, Self.frame)])
    for count in 0..<whole.count { #expect(defect(Array(whole[..<count])) == .length) }
    #expect(
      defect(RedWrapper.header(type: 111, offset: 960, length: 1_023) + [111, 0xF8]) == .length)
  }

  @Test func `more than four blocks`() {
    let four = (1...4).map { (UInt32(960 * (5 - $0)), Self.frame) }
    #expect(defect(blocks(four) + Self.frame) == .blockCount)
    #expect(defect([UInt8](repeating: 0xEF, count: 4 * 300)) == .blockCount)
    #expect(defect(blocks(Array(four.suffix(3))) + Self.frame) == nil)
  }

  @Test func `other codecs, and redundancy inside of redundancy`() {
    #expect(defect(blocks([(960, Self.frame)], type: 0) + Self.frame) == .payloadType)
    #expect(defect(blocks([(960, Self.frame)], type: 63) + Self.frame) == .payloadType)
    #expect(defect([63, 111] + Self.frame) == .payloadType)
  }

  @Test func `times that make no sense`() {
    // At the same time, during the newest, newer than the one after it, longer than the time left.
    for offsets in [[0], [480], [960, 1_920], [1_920, 1_920], [1_440, 960]] as [[UInt32]] {
      #expect(defect(blocks(offsets.map { ($0, Self.frame) }) + Self.frame) == .timestamp)
    }
    // Not Opus: a count byte that is not there.
    #expect(defect(blocks([(960, [0xFB])]) + Self.frame) == .timestamp)
  }

  @Test func `any bytes are safe`() {
    var random = SeededRandom(seed: 2)
    var good = 0
    for _ in 0..<20_000 {
      var bytes = blocks([(1_920, Self.frame), (960, Self.frame)]) + Self.frame
      for _ in 0..<(random.next() % 3) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % 4) * Int(random.next() % 4))
      guard case .payload(let payload) = parse(bytes) else { continue }
      good += 1
      for index in 0..<payload.redundantCount {
        #expect(payload.redundant(index).range.end <= payload.primary.offset)
      }
      #expect(payload.primary.end == bytes.count)
    }
    #expect(good > 1_000)
  }
}

/// Redundant audio on the way to a receiver.
@Suite struct RedTests {
  private func path(isPrompt: Bool) -> VoicePath {
    var path = VoicePath(rate: .hertz16000, isPrompt: isPrompt)
    path.receiver = AudioReceiver(
      payloadTypes: [111], redPayloadTypes: [63], rate: .hertz16000, isPrompt: isPrompt)
    return path
  }

  @Test(arguments: [false, true])
  func `single losses leave no trace in the sound, and stay in the reports`(isPrompt: Bool) {
    var red = RedWrapper(copies: 1)
    var path = path(isPrompt: isPrompt)
    path.run(seconds: 20) { index, packet in
      red.wrap(&packet)
      return index % 10 == 4 ? [] : [30]
    }
    let counts = path.receiver.counts
    #expect(counts.restoredPackets == 100)
    #expect(counts.redMalformed == 0)
    #expect(path.receiver.source?.cumulativeLost == 100)
    #expect(counts.concealedFrames == 0)
    #expect(counts.recoveredPackets == 0)
    // A hole ends with the packet after it.
    if isPrompt { #expect(counts.voiceFrames == UInt64(path.heardAtOnce)) }
    expectTone(path)
  }

  @Test(arguments: [false, true])
  func `three copies cover bursts of three`(isPrompt: Bool) {
    var red = RedWrapper(copies: 3)
    var path = path(isPrompt: isPrompt)
    path.run(seconds: 20) { index, packet in
      red.wrap(&packet)
      return index > 10 && index % 25 < 3 ? [] : [30]
    }
    #expect(path.receiver.source?.cumulativeLost == 117)
    #expect(path.receiver.jitterCounts.skipped == 0)
    // A paced one learns to hold so much back.
    #expect(path.receiver.counts.concealedPieces <= (isPrompt ? 0 : 5))
    #expect(path.receiver.counts.restoredPackets >= (isPrompt ? 117 : 110))
    expectTone(path, exceptions: isPrompt ? 0 : 4)
  }

  @Test func `redundancy may begin and end in mid-call`() {
    var red = RedWrapper(copies: 2)
    var path = path(isPrompt: true)
    path.run(seconds: 20) { index, packet in
      if index / 50 % 2 == 1 { red.wrap(&packet) }
      return index % 50 == 75 % 50 && index / 50 % 2 == 1 ? [] : [30]
    }
    #expect(path.receiver.counts.restoredPackets == 10)
    #expect(path.receiver.jitterCounts.restarts == 0)
    #expect(path.receiver.counts.concealedPieces == 0)
    expectTone(path)
  }

  @Test func `what was brought along moves nothing`() {
    var red = RedWrapper(copies: 1)
    var path = path(isPrompt: true)
    // Order and delay as on a plain network: no packet is late because its copy was there.
    path.run(seconds: 10) { index, packet in
      red.wrap(&packet)
      return index % 7 == 2 ? [55] : [30]
    }
    #expect(path.receiver.counts.restoredPackets > 60)
    #expect(path.receiver.jitterCounts.restarts + path.receiver.jitterCounts.skipped == 0)
    #expect(path.receiver.source?.cumulativeLost == 0)
    #expect(path.receiver.counts.concealedPieces == 0)
    expectTone(path)
    #expect(path.ledger.leadMilliseconds == 0)
  }

  @Test func `noise in redundant audio never traps and is counted`() {
    var random = SeededRandom(seed: 7)
    var red = RedWrapper(copies: 3)
    var path = path(isPrompt: true)
    path.run(seconds: 60) { _, packet in
      red.wrap(&packet)
      if random.next() % 2 == 0 {
        packet[12 + Int(random.next() % 13)] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.next() % 10 == 0 { packet.removeLast(Int(random.next() & 63)) }
      return random.next() % 5 == 0 ? [] : [Double(random.next() % 100)]
    }
    let counts = path.receiver.counts
    #expect(counts.redLengthWrong > 0 && counts.redPayloadTypeWrong > 0)
    #expect(counts.redTimestampWrong > 0 && counts.redBlockCountWrong > 0)
    #expect(path.heard.count > 2_500)
  }
}
