import Rtp
import Testing
import Wire

@Suite struct StatisticsTests {
  /// Packet `index` of a stream that begins at `first`, sent each 20 ms, arriving `delay` ms later.
  private func note(
    _ statistics: inout ReceiverStatistics, first: UInt16, index: Int, delayMilliseconds: Int = 0
  ) {
    statistics.note(
      sequenceNumber: first &+ UInt16(truncatingIfNeeded: index),
      timestamp: UInt32(truncatingIfNeeded: 4_294_960_000 + index * 960),
      at: Instant(nanoseconds: UInt64(10_000 + index * 20 + delayMilliseconds) * 1_000_000))
  }

  @Test func `a clean stream over the wrap loses nothing`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 65_000, clockRate: 48_000)
    for index in 0..<2_000 { note(&statistics, first: 65_000, index: index) }
    let block = statistics.reportBlock(at: Instant(nanoseconds: 60_000_000_000))
    #expect(block.ssrc == 5)
    #expect(block.cumulativeLost == 0)
    #expect(block.fractionLost == 0)
    #expect(block.highestSequence == 1 << 16 | UInt32(65_000 + 1_999 - 65_536))
    #expect(block.jitter == 0)
    #expect(block.lastSenderReport == 0)
    #expect(block.delaySinceLastSenderReport == 0)
  }

  @Test func `losses are counted once, as a fraction of each interval`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 0, clockRate: 48_000)
    for index in 0..<100 where index % 4 != 3 { note(&statistics, first: 0, index: index) }
    // The last of the hundred is among the lost, so it is not expected yet: 24 of 99.
    let first = statistics.reportBlock(at: Instant(nanoseconds: 0))
    #expect(first.cumulativeLost == 24)
    #expect(first.fractionLost == UInt8(24 * 256 / 99))
    for index in 100..<200 { note(&statistics, first: 0, index: index) }
    let second = statistics.reportBlock(at: Instant(nanoseconds: 0))
    #expect(second.cumulativeLost == 25)
    #expect(second.fractionLost == UInt8(1 * 256 / 101))
  }

  @Test func `order does not matter and duplicates make up for losses`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 65_530, clockRate: 48_000)
    for index in [0, 2, 1, 5, 3, 4, 9, 8, 7, 6, 10] {
      note(&statistics, first: 65_530, index: index)
    }
    #expect(statistics.cumulativeLost == 0)
    note(&statistics, first: 65_530, index: 10)
    #expect(statistics.cumulativeLost == -1)
    let block = statistics.reportBlock(at: Instant(nanoseconds: 0))
    #expect(block.fractionLost == 0)
    #expect(block.cumulativeLost == -1)
  }

  @Test func `a packet from before the first one does not restart the count`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 10, clockRate: 48_000)
    note(&statistics, first: 10, index: 0)
    note(&statistics, first: 10, index: -1)
    note(&statistics, first: 10, index: 1)
    #expect(statistics.restarts == 0)
    #expect(statistics.expected == 2)
  }

  @Test func `two in sequence from elsewhere restart the count, one does not`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 0, clockRate: 48_000)
    for index in 0..<10 { note(&statistics, first: 0, index: index) }
    note(&statistics, first: 0, index: 30_000)
    #expect(statistics.received == 10)
    note(&statistics, first: 0, index: 10)
    #expect(statistics.restarts == 0)
    note(&statistics, first: 0, index: 40_000)
    note(&statistics, first: 0, index: 40_001)
    note(&statistics, first: 0, index: 40_002)
    #expect(statistics.restarts == 1)
    #expect(statistics.cumulativeLost == 0)
    #expect(statistics.expected == 2)
  }

  @Test func `jitter follows the formula of section A 8`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 0, clockRate: 48_000)
    var expected = 0.0
    for index in 0..<500 {
      note(&statistics, first: 0, index: index, delayMilliseconds: index % 2 * 10)
      if index > 0 { expected += (480 - expected) / 16 }
    }
    #expect(abs(Double(statistics.jitter) - expected) < 8)
    #expect(abs(Double(statistics.jitterMicroseconds) - 10_000) < 200)
  }

  @Test func `a jump of the timestamps is not jitter`() {
    var statistics = ReceiverStatistics(ssrc: 5, firstSequenceNumber: 0, clockRate: 48_000)
    let now = Instant(nanoseconds: 5_000_000_000)
    statistics.note(sequenceNumber: 0, timestamp: 0, at: now)
    statistics.note(sequenceNumber: 1, timestamp: 0x8000_0000, at: now)
    #expect(statistics.jitter == 0)
  }

  @Test func `the round trip comes back through a report`() throws {
    let start = Instant(nanoseconds: 7_123_456_789)
    var sender = SenderStatistics(clockRate: 48_000)
    #expect(sender.report(at: start) == nil)
    sender.note(timestamp: 100, payloadCount: 80, at: start)
    let sent = start.advanced(byMilliseconds: 500)
    let info = try #require(sender.report(at: sent))
    #expect(info.rtpTime == 100 + 24_000)
    #expect(info.packetCount == 1)
    #expect(info.octetCount == 80)
    // 30 ms there, kept for 200 ms, 40 ms back.
    var receiver = ReceiverStatistics(ssrc: 1, firstSequenceNumber: 0, clockRate: 48_000)
    receiver.noteSenderReport(ntpTime: info.ntpTime, at: sent.advanced(byMilliseconds: 30))
    let block = receiver.reportBlock(at: sent.advanced(byMilliseconds: 230))
    let trip = try #require(
      MediaClock.roundTripMicroseconds(from: block, at: sent.advanced(byMilliseconds: 270)))
    #expect(abs(Int(trip) - 70_000) < 100)
  }

  @Test func `a report that cannot be true tells no round trip`() {
    let now = Instant(nanoseconds: 7_000_000_000)
    #expect(MediaClock.roundTripMicroseconds(from: ReportBlock(ssrc: 1), at: now) == nil)
    let future = ReportBlock(
      ssrc: 1, lastSenderReport: UInt32(truncatingIfNeeded: MediaClock.ntpTime(at: now) >> 16),
      delaySinceLastSenderReport: 65_536)
    #expect(MediaClock.roundTripMicroseconds(from: future, at: now) == nil)
  }

  @Test func `the media clock is exact over days`() {
    let days = Instant(nanoseconds: 30 * 86_400 * 1_000_000_000 + 20_833)
    #expect(MediaClock.units64(at: days, rate: 48_000) == 30 * 86_400 * 48_000)
    #expect(MediaClock.units64(at: Instant(nanoseconds: 20_834), rate: 48_000) == 1)
  }
}
