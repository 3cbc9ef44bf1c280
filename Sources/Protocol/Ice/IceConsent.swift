internal import Wire

/// When a client that sends no checks is asked for a sign of life, and what we wait for then.
///
/// RFC 7675 has the client check every 4 to 6 s for as long as it sends. libnice never does it once
/// it is connected, and other stacks not while media comes in; all of them answer.
struct IceConsent: Sendable {
  /// From one request to the next.
  static let intervalMilliseconds: UInt64 = 5_000
  /// The time without a check before the first: the interval, and as much more as a client that
  /// keeps to RFC 7675 (section 5.1) may take, which is never asked.
  static let patienceMilliseconds: UInt64 = 6_500

  /// When the next request is due, as long as no check comes.
  private(set) var due: Instant
  /// The last request, until it is answered.
  private var asked: (transactionID: StunTransactionID, path: PathID)?

  init(at now: Instant) {
    due = now.advanced(byMilliseconds: Self.patienceMilliseconds)
  }

  mutating func noteCheck(at now: Instant) {
    due = now.advanced(byMilliseconds: Self.patienceMilliseconds)
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
