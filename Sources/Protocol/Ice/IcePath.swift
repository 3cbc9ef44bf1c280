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
  var rate = IceRate()

  /// The client itself is at this address, or was: others can send no more than copies of its
  /// checks from there.
  var isClients: Bool { isProven || lastAuthenticated != nil }

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

/// Requests of the current second, for a bound on them.
struct IceRate: Sendable {
  private var secondStart = Instant(nanoseconds: 0)
  private var requestsInSecond = 0

  /// Counts one; false when it is one too many.
  mutating func admit(at now: Instant, maximum: Int) -> Bool {
    if now.milliseconds(since: secondStart) >= 1000 {
      secondStart = now
      requestsInSecond = 0
    }
    requestsInSecond += 1
    return requestsInSecond <= maximum
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
