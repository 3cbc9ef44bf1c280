import Testing

@testable import TransceiverCore

@Suite struct DurationCountsTests {
  @Test func nothingWasSeen() {
    #expect(DurationCounts().microseconds(share: 0.99) == 0)
  }

  /// What is read is never less than what was noted, and at most an eighth and a microsecond more.
  @Test func eachDurationIsNearlyItself() {
    for exponent in 0..<40 {
      for offset in [0.0, 0.3, 0.99] {
        let nanoseconds = UInt64(Double(UInt64(1) << UInt64(exponent)) * (1 + offset))
        var counts = DurationCounts()
        counts.note(nanoseconds: nanoseconds)
        let seen = Double(counts.microseconds(share: 1))
        #expect(seen * 1_000 >= Double(nanoseconds))
        #expect(seen * 1_000 <= Double(nanoseconds) * 1.125 + 1_001)
      }
    }
  }

  @Test func sharesAreOfAllThatWasNoted() {
    var counts = DurationCounts()
    for _ in 0..<98 { counts.note(nanoseconds: 10_000) }
    for _ in 0..<2 { counts.note(nanoseconds: 5_000_000) }
    #expect(counts.total == 100)
    #expect((10...12).contains(counts.microseconds(share: 0.5)))
    #expect((10...12).contains(counts.microseconds(share: 0.98)))
    #expect((5_000...5_700).contains(counts.microseconds(share: 0.99)))
  }

  @Test func whatIsBeyondTheScaleIsItsEnd() {
    var counts = DurationCounts()
    counts.note(nanoseconds: .max)
    #expect(counts.microseconds(share: 0.5) > 1_000_000)
  }
}
