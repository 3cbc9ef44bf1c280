import Wire

/// How much of a client's sound may be handed on as it comes: two seconds of it at once after a
/// stall, and in the long run a quarter more than time has, so that what a longer stall has left
/// is soon caught up with. A client that sends faster does not make us or the service work more.
///
/// It goes by time and not by ticks: a thread that was held up makes some of those in one, or none.
struct PromptAllowance {
  private var nanoseconds = nanosecondsMax
  private var last: Instant

  private static let frameNanoseconds: UInt64 = 20_000_000
  private static let nanosecondsMax = 100 * frameNanoseconds

  init(at now: Instant) { last = now }

  /// A frame may be handed on at `now`.
  mutating func hasFrame(at now: Instant) -> Bool {
    let passed = min(now.nanoseconds(since: last), Self.nanosecondsMax)
    last = max(last, now)
    nanoseconds = min(nanoseconds + passed + passed / 4, Self.nanosecondsMax)
    return nanoseconds >= Self.frameNanoseconds
  }

  /// A frame was handed on, for which there was an allowance.
  mutating func spendFrame() { nanoseconds -= Self.frameNanoseconds }
}
