import Testing
import Wire

@testable import Signalling

/// When a shard refuses new calls, from its seconds alone.
@Suite struct AdmissionTests {
  private var now = Instant(nanoseconds: 1_000_000_000)
  private var admission = Admission()

  private static func second(
    late: UInt64 = 0, busy: UInt64 = 60, frames: UInt64 = 1_000, lost: UInt64 = 0
  ) -> ShardSecond {
    var second = ShardSecond()
    second.frames = frames
    second.lateFrames = frames * late / 100
    second.nanoseconds = 1_000_000_000
    second.busyNanoseconds = busy * 10_500_000
    second.lostUnread = lost
    return second
  }

  @discardableResult
  private mutating func note(
    _ second: ShardSecond, times: Int = 1, apart milliseconds: UInt64 = 1_000
  ) -> [Admission.News] {
    (0..<times).compactMap { _ in
      now = now.advanced(byMilliseconds: milliseconds)
      return admission.note(second, at: now)
    }
  }

  /// Fifteen calls more each second: the last that begins leaves it just below its limit.
  @Test mutating func whatCallsCostSaysHowManyThereMayBe() {
    var calls = 0
    for _ in 0..<60 {
      var second = Self.second(busy: UInt64(min(100, calls * 44 / 100)))
      second.callsBefore = calls
      calls = max(calls, min(calls + 15, admission.callsMax))
      second.calls = calls
      note(second)
    }
    #expect((170...210).contains(calls), "85 % at 184 calls")
    #expect(admission.refuses && admission.overloads == 1, "at its bound it takes none")
  }

  @Test mutating func aShardWithLittleToDoHasNoBound() {
    for busy in [0, 10, 40, 100, 40, 100, 100] as [UInt64] {
      var second = Self.second(busy: busy)
      second.calls = 50
      note(second)
      #expect(admission.callsMax == .max || busy == 100)
    }
  }

  @Test mutating func aShardThatKeepsUpTakesCalls() {
    #expect(note(Self.second(late: 20, busy: 80), times: 600).isEmpty)
    #expect(!admission.refuses && admission.overloads == 0)
  }

  /// A stall of the machine, however bad, ends before it is believed.
  @Test mutating func oneHiccupRefusesNobody() {
    for _ in 0..<100 {
      #expect(note(Self.second(late: 100, busy: 100, lost: 7), times: 2).isEmpty)
      #expect(!admission.refuses)
      #expect(note(Self.second()).isEmpty)
    }
    #expect(admission.overloads == 0)
  }

  @Test(
    arguments: [
      (late: 25, busy: 45, lost: 0), (late: 0, busy: 85, lost: 0), (late: 0, busy: 50, lost: 1),
    ] as [(late: UInt64, busy: UInt64, lost: UInt64)])
  mutating func threeBadSecondsRefuseCalls(late: UInt64, busy: UInt64, lost: UInt64) {
    let bad = Self.second(late: late, busy: busy, lost: lost)
    note(bad, times: 2)
    #expect(!admission.refuses)
    #expect(note(bad) == [.late(.calls, unsaid: 0)])
    #expect(admission.refuses && admission.overloads == 1)
    #expect(note(Self.second(), times: 4).isEmpty)
    #expect(admission.refuses)
    #expect(note(Self.second()) == [.recovered])
    #expect(!admission.refuses)
  }

  /// Calls that keep it just below the limit: it goes on refusing, and says nothing more.
  @Test mutating func betweenTheMarksItDoesNotFlap() {
    note(Self.second(busy: 95), times: 3)
    for _ in 0..<20 {
      #expect(note(Self.second(busy: 78), times: 2).isEmpty)
      #expect(note(Self.second(late: 15, busy: 60)).isEmpty)
      #expect(admission.refuses)
    }
    #expect(admission.overloads == 1)
  }

  /// Something else has the CPU: it is said, and nobody is refused for it.
  @Test mutating func whoHardlyWorksBlamesOthers() {
    #expect(note(Self.second(late: 100, busy: 5), times: 10) == [.late(.others, unsaid: 0)])
    #expect(!admission.refuses && admission.cause == .others)
    // Now its own calls are too many as well.
    #expect(note(Self.second(late: 100, busy: 50)) == [.late(.calls, unsaid: 0)])
    #expect(admission.refuses)
    note(Self.second(late: 100, busy: 5), times: 3)
    #expect(admission.refuses, "with its calls refused it works less")
  }

  /// While it lasts, and however often it comes back: a line a minute.
  @Test mutating func itIsSaidOnceAMinute() {
    #expect(note(Self.second(late: 50), times: 130).count == 3)
    var lines: [Admission.News] = []
    for _ in 0..<30 {
      lines += note(Self.second(), times: 5)
      lines += note(Self.second(late: 50), times: 5)
    }
    let late = lines.filter { $0 != .recovered }
    #expect(late.count == 5)
    let unsaid = late.reduce(UInt64(0)) {
      guard case .late(_, let unsaid) = $1 else { return $0 }
      return $0 + unsaid
    }
    #expect(unsaid + UInt64(late.count) <= admission.overloads)
    #expect(admission.overloads == 31)
  }

  /// A shard without calls has no seconds: what comes after a while has nothing to do with before.
  @Test mutating func whatWasLongAgoIsForgotten() {
    note(Self.second(late: 100), times: 2)
    note(Self.second(late: 100), apart: 11_000)
    #expect(!admission.refuses)
    note(Self.second(late: 100), times: 2)
    #expect(admission.refuses)
    note(Self.second(late: 100), apart: 11_000)
    #expect(!admission.refuses)
  }

  @Test mutating func limitsCanBeSwitchedOff() {
    var limits = AdmissionLimits()
    limits.refuses = false
    admission = Admission(limits)
    #expect(note(Self.second(late: 100, busy: 100), times: 3) == [.late(.calls, unsaid: 0)])
    #expect(!admission.refuses && admission.overloads == 1)
    limits.refuses = true
    limits.latePercent = 101
    limits.busyPercent = 101
    admission = Admission(limits)
    #expect(note(Self.second(late: 100, busy: 100), times: 30).isEmpty)
    note(Self.second(late: 100, busy: 100, lost: 1), times: 3)
    #expect(admission.refuses)
    note(Self.second(late: 100, busy: 100), times: 5)
    #expect(!admission.refuses)
  }

  @Test func percentagesOfNothingAreNothing() {
    #expect(ShardSecond().latePercent == 0 && ShardSecond().busyPercent == 0)
    var odd = Self.second(late: 100, busy: 300)
    odd.lateFrames = 5_000
    #expect(odd.latePercent == 100 && odd.busyPercent <= 100)
  }
}
