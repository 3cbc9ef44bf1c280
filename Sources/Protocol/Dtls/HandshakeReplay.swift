import Wire

/// Puts a handshake that a record has killed back on its feet: a fresh one with the same randomness
/// is fed what the old one had taken well, so it says the same and stands at the same place.
///
/// OpenSSL has no way back by itself: what it has read wrongly once ends the handshake for good,
/// and anybody who knows the two addresses can send such a thing. `RestartBudget` bounds the cost.
struct HandshakeReplay {
  enum Outcome {
    /// The fresh handshake stands where the history leads.
    case stands
    /// It is not its turn yet: the handshake rests until `resumeDeadline`.
    case rests
    /// Memory is short.
    case isImpossible
  }

  private let connection: DtlsConnection
  private let isActive: Bool
  private var budget: RestartBudget

  /// What a fresh handshake is fed.
  var history = HandshakeHistory()
  /// When a dead handshake may be replaced; `.never` while it lives.
  private(set) var resumeDeadline = Instant.never
  /// How often a handshake was replaced.
  private(set) var count: UInt64 = 0

  init(_ connection: DtlsConnection, _ configuration: DtlsConfiguration) {
    self.connection = connection
    isActive = configuration.role == .active
    budget = RestartBudget(
      atOnce: configuration.restartsAtOnce, perSecond: configuration.restartsPerSecond)
  }

  /// Whether a replay at `now` would not have to wait.
  func isAffordable(at now: Instant) -> Bool { budget.isOpen(at: now) }

  /// Replaces the handshake, or puts it to rest when that has to wait.
  mutating func replay(at now: Instant) -> Outcome {
    // In both cases nothing is to be sent: all of it has been on the wire, and what was lost there,
    // the timer repeats.
    defer { connection.dropOutput() }
    guard budget.take(at: now) else {
      resumeDeadline = budget.nextAt
      return .rests
    }
    resumeDeadline = .never
    count += 1
    return restart() ? .stands : .isImpossible
  }

  /// True when a fresh handshake stands where the history leads. Costs the budget nothing.
  mutating func restart() -> Bool {
    for attempt in 0..<3 {
      // Only a handshake that took more than the history could keep may die in its own replay.
      if attempt == 1 { history.dropSinceFlight() }
      if attempt == 2 { history.dropAll() }
      guard connection.restart() else { return false }
      if isActive { _ = connection.drive() }
      let died = history.records.contains { record in
        unsafe record.withUnsafeBytes { unsafe connection.feed($0) } == .fatal
      }
      if !died { return true }
    }
    return false
  }

  /// The handshake is over: forgets what it has taken.
  mutating func end() {
    history = HandshakeHistory()
    resumeDeadline = .never
  }
}
