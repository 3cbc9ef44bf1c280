internal import Wire

/// When a client that sends no checks is asked for a sign of life, and what we wait for then.
///
/// RFC 7675 has the client check every 4 to 6 s for as long as it sends. libnice never does it once
/// it is connected, and other stacks not while media comes in; all of them answer.
struct IceConsent: Sendable {
  /// The time without a check, and from one request to the next.
  static let intervalMilliseconds: UInt64 = 5_000
  /// A client that keeps to RFC 7675 (section 5.1) needs not be asked before this.
  static let patientMilliseconds: UInt64 = 6_500
  /// Two checks so far apart are no longer those of the set-up.
  static let steadyMilliseconds: UInt64 = 2_000

  /// When the next request is due, as long as no check comes.
  private(set) var due: Instant
  private var lastCheck: Instant
  private var isSteady = false
  /// The last request, until it is answered.
  private var asked: (transactionID: StunTransactionID, path: PathID)?

  init(at now: Instant) {
    lastCheck = now
    due = now.advanced(byMilliseconds: Self.intervalMilliseconds)
  }

  mutating func noteCheck(at now: Instant) {
    if now.milliseconds(since: lastCheck) >= Self.steadyMilliseconds { isSteady = true }
    lastCheck = now
    due = now.advanced(
      byMilliseconds: isSteady ? Self.patientMilliseconds : Self.intervalMilliseconds)
  }

  mutating func noteSent(_ transactionID: StunTransactionID, to path: PathID, at now: Instant) {
    asked = (transactionID, path)
    due = now.advanced(byMilliseconds: Self.intervalMilliseconds)
  }

  func isAwaited(_ transactionID: StunTransactionID, from path: PathID) -> Bool {
    asked.map { $0.transactionID == transactionID && $0.path == path } ?? false
  }

  mutating func noteAnswer(_ transactionID: StunTransactionID) {
    if asked?.transactionID == transactionID { asked = nil }
  }
}
