import Testing
import Voice
import Wire

@Suite struct FrameClockTests {
  private func instant(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: milliseconds * 1_000_000)
  }

  @Test func aFrameIsDueEach20Milliseconds() {
    var clock = FrameClock(at: instant(1_003))
    for frame in 0..<100 as Range<UInt64> {
      #expect(clock.next == instant(1_003 + 20 * frame))
      clock.advance(at: clock.next)
    }
  }

  @Test func theFirstIsOnTheGridAndNotLate() {
    #expect(FrameClock(at: instant(1_003), gridNanoseconds: 5_000_000).next == instant(1_000))
    #expect(FrameClock(at: instant(1_005), gridNanoseconds: 5_000_000).next == instant(1_005))
  }

  @Test func aShortDelayIsMadeUp() {
    var clock = FrameClock(at: instant(1_000))
    var count = 0
    while clock.next <= instant(1_119) {
      clock.advance(at: instant(1_119))
      count += 1
    }
    #expect(count == 6)
    #expect(clock.next == instant(1_120))
  }

  @Test func whatALongDelayMissedIsDropped() {
    for grid in [1, 5_000_000] as [UInt64] {
      var clock = FrameClock(at: instant(1_000), gridNanoseconds: grid)
      clock.advance(at: instant(9_003))
      #expect(clock.next == instant(grid == 1 ? 9_023 : 9_020))
    }
  }
}
