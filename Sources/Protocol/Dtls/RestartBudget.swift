import Wire

/// How often a handshake may begin anew: some times at once, then at a steady rate. The bound is on
/// the CPU time that somebody can cost who forges what kills handshakes.
struct RestartBudget {
  private let intervalNanoseconds: UInt64
  private let allowanceNanoseconds: UInt64
  /// When all of it is there again.
  private var fullAt: UInt64 = 0

  /// `atOnce` 1 or more, `perSecond` 1...1,000,000,000.
  init(atOnce: UInt64, perSecond: UInt64) {
    precondition(atOnce > 0, "a handshake that may never begin anew")
    precondition(
      (1...1_000_000_000).contains(perSecond), "a budget that has no bound, or never refills")
    intervalNanoseconds = 1_000_000_000 / perSecond
    allowanceNanoseconds = intervalNanoseconds * (atOnce - 1)
  }

  /// When the next one may be taken; may be in the past.
  var nextAt: Instant {
    Instant(nanoseconds: fullAt < allowanceNanoseconds ? 0 : fullAt - allowanceNanoseconds)
  }

  func isOpen(at now: Instant) -> Bool { nextAt <= now }

  /// False when it is used up for now.
  mutating func take(at now: Instant) -> Bool {
    guard isOpen(at: now) else { return false }
    fullAt = max(fullAt, now.nanoseconds) + intervalNanoseconds
    return true
  }
}
