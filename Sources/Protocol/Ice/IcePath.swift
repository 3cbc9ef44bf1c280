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
  /// What it had of the offer's allowance.
  var bytesGranted: UInt64 = 0
  var proof: IceProof?
  var rate = IceRate()

  /// The client itself is at this address, or was: others can send no more than copies of its
  /// checks from there.
  var isClients: Bool { isProven || lastAuthenticated != nil }

  /// Before the proof an address gets at most three times what it sent (as QUIC, RFC 9000,
  /// section 8.1): who forges a victim's address gains little.
  static let amplificationMaximum: UInt64 = 3

  /// How many bytes the allowance is short of, if so many more are sent; 0 when it holds.
  func allowanceMissing(for byteCount: Int) -> UInt64 {
    let sum = bytesSent &+ UInt64(byteCount)
    let allowed = bytesReceived &* Self.amplificationMaximum &+ bytesGranted
    return isProven || sum <= allowed ? 0 : sum &- allowed
  }
}

/// What a call may send on an unproven path because of its offer, once: the offer came over TCP and
/// from somebody who may begin calls, and it was paid for in bytes as a check is, three for one.
///
/// Without it a client whose one check has 76 bytes could be sent 228: the answer (64), and then
/// either a ClientHello (166) or a request for proof (104 to 132), and none of them again, although
/// RFC 6347, section 4.2.4, repeats a flight until it is answered. The bound holds what a handshake
/// takes whose client answers late: ten ClientHellos (the first 6 s) and five requests, or three
/// flights of a server (757).
struct OfferAllowance: Sendable {
  static let byteCountMaximum: UInt64 = 2_400

  private var bytesLeft: UInt64

  init(offerByteCount: Int) {
    let paid = UInt64(clamping: offerByteCount) &* IcePath.amplificationMaximum
    bytesLeft = min(paid, Self.byteCountMaximum)
  }

  /// Takes all of `byteCount`, or nothing.
  mutating func take(_ byteCount: UInt64) -> Bool {
    guard byteCount <= bytesLeft else { return false }
    bytesLeft -= byteCount
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
