/// What the processor has left for the encoders of all the calls of a thread.
///
/// `silk` takes up to four times the time of `celt`, and a network that turns bad does so for many
/// calls at once. The thread's owner renews it once a second; calls take from it.
package struct EncodingBudget: Hashable, Sendable {
  /// How much work `silk` may make of a frame, 0...10.
  package private(set) var silkComplexity: Int32
  /// Calls that may still go over to `silk`.
  package private(set) var silkChangesLeft: Int
  /// Frames of 20 ms that `silk` encoded since the last renewal.
  private var silkFrames = 0

  /// For who watches no processor: complexity 5, as many changes as are wanted, until `renew`.
  package static let unlimited = EncodingBudget(
    silkComplexity: Self.complexity, silkChangesLeft: .max)

  private static let complexity: Int32 = 5
  /// With less to spare `silk` shall do with the least of work.
  private static let littlePercent = 20.0
  /// With less than this no call goes over to it.
  private static let leastPercent = 5.0
  /// What a frame takes more than with `celt`, measured on a CPU of 2026 at 24 and 48 kHz: 44 to 54
  /// us there, 184 here, 79 with the least of work.
  private static let nanosecondsMore = 140_000.0
  private static let nanosecondsMoreAtLeast = 35_000.0

  /// Holds until the first `renew`. A complexity beyond 0...10 traps in the encoder.
  package init(silkComplexity: Int32, silkChangesLeft: Int) {
    self.silkComplexity = silkComplexity
    self.silkChangesLeft = silkChangesLeft
  }

  /// For the next second, from what the last one was like: how long it was, how much of it the
  /// thread worked, and whether anything was late.
  package mutating func renew(nanoseconds: UInt64, busyNanoseconds: UInt64, isLate: Bool) {
    let second = Double(max(nanoseconds, 1))
    let spare = isLate ? 0 : 100 * (1 - Double(busyNanoseconds) / second)
    // Where all of them went back to more work, this would be left.
    let more = Double(silkFrames) * (Self.nanosecondsMore - Self.nanosecondsMoreAtLeast)
    let isHard = silkComplexity == 0
    let left = isHard ? spare - 100 * more / second : spare
    silkFrames = 0
    silkComplexity = left < Self.littlePercent ? 0 : Self.complexity
    // Those that go over now shall not bring about the state in which all must work less.
    let (price, kept) =
      silkComplexity == 0
      ? (Self.nanosecondsMoreAtLeast, Self.leastPercent)
      : (Self.nanosecondsMore, Self.littlePercent)
    let room = (spare - kept) / 100 * 1e9 / (50 * price)
    silkChangesLeft = max(0, Int(room))
  }

  /// Whether one more call may go over to `silk`.
  mutating func takeSilkChange() -> Bool {
    guard silkChangesLeft > 0 else { return false }
    silkChangesLeft -= 1
    return true
  }

  mutating func noteSilk(frames: Int) { silkFrames &+= frames }
}
