import Wire

/// What a peer that repeats itself tells. Mostly that something was lost; but it is also how a
/// forged message shows that was taken for an honest one: the peer goes on asking for an answer.
///
/// Decides when the handshake is taken back some way, to read anew what it has read. Bounded by
/// `DtlsConfiguration.rewindsMaximum`.
struct PeerRepetitions {
  /// How far back.
  enum Rewind {
    /// To where the message that is being read began.
    case message
    /// To the first hello.
    case handshake
  }

  /// No peer repeats itself sooner (WebRTC's libraries wait 50 ms or more).
  private static let intervalMilliseconds: UInt64 = 40
  /// A peer that repeats a flight this often has not just missed ours.
  private static let repetitionsToDoubt = 4

  private let role: DtlsRole
  private var rewindsLeft: Int
  private var lastProgress = Instant(nanoseconds: 0)

  init(_ configuration: DtlsConfiguration) {
    role = configuration.role
    rewindsLeft = configuration.rewindsMaximum
  }

  /// A whole message was read.
  mutating func noteProgress(at now: Instant) { lastProgress = now }

  /// Whether a repetition at `now` may be one of the peer's, and something can still be done.
  func areHeeded(at now: Instant) -> Bool {
    rewindsLeft > 0 && now.milliseconds(since: lastProgress) >= Self.intervalMilliseconds
  }

  /// Takes note of a record that was taken before and is heeded now. Nil: nothing is done yet.
  /// `isOfMessage`: it belongs to the message that is being read.
  mutating func note(
    isOfMessage: Bool, expecting expected: DtlsRecordFilter.Expected,
    _ history: inout HandshakeHistory, at now: Instant
  ) -> Rewind? {
    lastProgress = now
    if isOfMessage {
      guard history.hasFragments else { return nil }
      rewindsLeft -= 1
      return .message
    }
    history.noteRepetition()
    // A server that repeats its flight to a client that has answered it does not take the answer:
    // something of what the client read was not the server's.
    guard role == .active, expected == .changeCipherSpec || expected == .finished,
      history.repetitions >= Self.repetitionsToDoubt
    else { return nil }
    rewindsLeft -= 1
    return .handshake
  }
}
