internal import Wire

/// One address pair by which a client has reached us with a valid request.
struct IcePath: Sendable {
  let id: PathID
  /// The last request with right credentials; consent (RFC 7675) hangs on it.
  var lastRequest: Instant
  /// The last request with USE-CANDIDATE.
  var lastNomination: Instant?
  /// The last packet that passed SRTP's or DTLS's own authentication.
  var lastAuthenticated: Instant?
  /// Something came back that only a receiver at this address can have sent.
  var isProven = false
  var bytesReceived: UInt64 = 0
  var bytesSent: UInt64 = 0
  var proof: IceProof?

  /// Before the proof an address gets at most three times what it sent (as QUIC, RFC 9000,
  /// section 8.1): who forges a victim's address gains little.
  static let amplificationMaximum: UInt64 = 3

  mutating func admitSending(_ byteCount: Int) -> Bool {
    let sum = bytesSent &+ UInt64(byteCount)
    guard isProven || sum <= bytesReceived &* Self.amplificationMaximum else { return false }
    bytesSent = sum
    return true
  }
}

/// Our own Binding request to a new address, which waits for its signed answer.
struct IceProof: Sendable {
  static let attemptsMaximum = 5
  static let firstWaitMilliseconds: UInt64 = 100

  var transactionID: StunTransactionID?
  var attempts = 0
  /// When to send (again).
  var due: Instant

  mutating func noteSent(_ transactionID: StunTransactionID, at now: Instant) {
    self.transactionID = transactionID
    due = now.advanced(byMilliseconds: Self.firstWaitMilliseconds << UInt64(attempts))
    attempts += 1
  }

  var isSpent: Bool { attempts >= Self.attemptsMaximum }
}
