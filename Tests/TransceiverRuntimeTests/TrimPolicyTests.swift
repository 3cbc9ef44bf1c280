import Testing
import Wire

@testable import TransceiverRuntime

/// When freed memory is given back, from sizes alone.
@Suite struct TrimPolicyTests {
  private static let mebibyte = 1 << 20
  private var policy = TrimPolicy(resident: 40 << 20, used: 5 << 20)
  private var now = Instant(nanoseconds: 1_000_000_000)

  /// Sizes in MiB.
  private mutating func isDue(_ resident: Int, used: Int, calls: Int = 0) -> Bool {
    now = now.advanced(byMilliseconds: 1_000)
    return policy.isDue(
      resident: resident * Self.mebibyte, used: used * Self.mebibyte, calls: calls, at: now)
  }

  private mutating func trim(to resident: Int, used: Int) {
    policy.noteTrimmed(
      resident: resident * Self.mebibyte, used: used * Self.mebibyte, at: now)
  }

  @Test mutating func whatIsInUseIsNotAskedFor() {
    #expect(!isDue(40, used: 5))
    #expect(!isDue(700, used: 660, calls: 900))
    #expect(!isDue(700, used: 640, calls: 900))
    #expect(isDue(700, used: 530, calls: 900))
    #expect(!isDue(700, used: 650))
    #expect(isDue(700, used: 640))
  }

  /// The first look may come when they have ended already.
  @Test mutating func whatTheFirstCallsLeaveIsAskedFor() {
    #expect(isDue(92, used: 5))
    trim(to: 24, used: 5)
    #expect(!isDue(24, used: 5))
  }

  @Test mutating func whatCannotBeGivenBackIsAskedForOnce() {
    #expect(!isDue(40, used: 5))
    #expect(isDue(300, used: 5))
    trim(to: 100, used: 5)
    for _ in 0..<100 { #expect(!isDue(110, used: 5)) }
    #expect(isDue(130, used: 5))
  }

  @Test mutating func callsAreLeftInPeaceForAMinute() {
    #expect(!isDue(40, used: 5, calls: 100))
    #expect(isDue(300, used: 5, calls: 100))
    trim(to: 50, used: 5)
    for _ in 0..<59 { #expect(!isDue(300, used: 5, calls: 100)) }
    #expect(isDue(300, used: 5, calls: 100))
    trim(to: 50, used: 5)
    for _ in 0..<4 { #expect(!isDue(300, used: 5)) }
    #expect(isDue(300, used: 5))
  }
}
