internal import Crypto
package import Wire

/// What became of a datagram that claimed to be STUN, at a client.
package enum IceClientVerdict: Equatable, Sendable {
  /// The server asked whether we are here: `length` bytes of the reply buffer go back to it.
  case respond(length: Int)
  /// The first check was answered: `selected` is set.
  case connected
  /// A later check was answered.
  case refreshed
  /// Nothing was changed by it.
  case ignored(IceIgnored)
}

/// The controlling agent of a client that calls a lite server (RFC 8445): checks every candidate,
/// takes the first that answers, nominates it and keeps its consent fresh. One socket, no
/// candidates of its own to offer: the server learns its address from the checks.
///
/// A value without clock, socket or randomness; one thread at a time.
package struct IceClientAgent: Sendable {
  /// First wait for an answer; each further one is twice as long, up to the maximum.
  static let firstWaitMilliseconds: UInt64 = 50
  static let waitMillisecondsMaximum: UInt64 = 800
  /// How often a live pair is checked; as Chrome does it.
  static let consentIntervalMilliseconds: UInt64 = 2_500

  /// Where the agent stands; from `lost` there is no way back.
  package enum State: Equatable, Sendable {
    /// No candidate has answered yet.
    case checking
    /// One has, and is asked further.
    case connected
    /// No answer for `IceLiteAgent.consentMilliseconds`.
    case lost
  }

  private struct Pair: Sendable {
    let address: TransportAddress
    var transactionID: StunTransactionID?
    var wait = IceClientAgent.firstWaitMilliseconds
    var due: Instant
  }

  private let local: IceCredentials
  private let remote: IceCredentials
  private let keepsConsent: Bool
  private let tieBreaker: UInt64
  private var pairs: [Pair]
  private var selectedIndex: Int?
  private var isNominated = false
  private var lastAnswer: Instant
  /// Changes in `poll` and `handle` only.
  package private(set) var state = State.checking

  /// `candidates` are the server's addresses, best first. The first checks are due at once. Without
  /// `keepsConsent` there are none once the pair is nominated, and the server's silence is no loss
  /// (RFC 7675 wants them). `tieBreaker`: any number of this call's own (RFC 8445, section 7.1.3).
  package init(
    local: IceCredentials, remote: IceCredentials, candidates: [TransportAddress],
    keepsConsent: Bool = true, tieBreaker: UInt64, at now: Instant
  ) {
    self.local = local
    self.remote = remote
    self.keepsConsent = keepsConsent
    self.tieBreaker = tieBreaker
    pairs = candidates.map { Pair(address: $0, due: now) }
    lastAnswer = now
  }

  /// Where media goes; nil before the first answer.
  package var selected: TransportAddress? { selectedIndex.map { pairs[$0].address } }

  /// Whether `address` is one of the server's.
  package func isCandidate(_ address: TransportAddress) -> Bool {
    pairs.contains { $0.address == address }
  }

  /// The pair is nominated, and that was the last check.
  private var isDoneChecking: Bool { isNominated && !keepsConsent }

  /// When `poll` wants to be called next; `.never` when nothing is left to check. Allocates
  /// nothing.
  package var deadline: Instant {
    guard state != .lost, !isDoneChecking else { return .never }
    let lossTime = lastAnswer.advanced(byMilliseconds: IceLiteAgent.consentMilliseconds)
    if let selectedIndex { return min(lossTime, pairs[selectedIndex].due) }
    return pairs.reduce(lossTime) { min($0, $1.due) }
  }

  /// Writes the next check that is due into `buffer` (`StunWriter.bytesMax` bytes or more): its
  /// length and target. Nil when none is due. Call until nil.
  package mutating func poll(
    at now: Instant, into buffer: UnsafeMutableRawBufferPointer,
    random: inout some RandomNumberGenerator
  ) -> (length: Int, to: TransportAddress)? {
    precondition(buffer.count >= StunWriter.bytesMax, "a buffer that a check may not fit into")
    guard !isDoneChecking else { return nil }
    if now.milliseconds(since: lastAnswer) >= IceLiteAgent.consentMilliseconds { state = .lost }
    guard state != .lost else { return nil }
    for index in pairs.indices where selectedIndex == nil || selectedIndex == index {
      guard pairs[index].due <= now else { continue }
      // Every wait that ran out begins a new transaction: an answer to an old one is of no use to
      // us, and the server treats both alike.
      let transactionID = StunTransactionID(random: &random)
      pairs[index].transactionID = transactionID
      pairs[index].due = now.advanced(byMilliseconds: pairs[index].wait)
      pairs[index].wait = min(pairs[index].wait * 2, Self.waitMillisecondsMaximum)
      let length = unsafe writeCheck(transactionID, into: buffer)
      return (length, pairs[index].address)
    }
    return nil
  }

  /// Takes one STUN datagram from `address`; any bytes may come. `reply` has room for
  /// `IceLiteAgent.replyBytesMax` bytes or more.
  package mutating func handle(
    _ bytes: RawSpan, from address: TransportAddress, at now: Instant,
    reply: UnsafeMutableRawBufferPointer
  ) -> IceClientVerdict {
    precondition(
      reply.count >= IceLiteAgent.replyBytesMax, "a buffer that a reply may not fit into")
    guard case .message(let message) = StunMessage.parse(bytes) else { return .ignored(.malformed) }
    switch message.type {
    case .bindingSuccess: return handleSuccess(bytes, message, from: address, at: now)
    case .bindingRequest:
      return unsafe handleRequest(bytes, message, from: address, reply: reply)
    case .bindingIndication: return .ignored(.indication)
    default: return .ignored(.unexpected)
    }
  }

  private mutating func handleSuccess(
    _ bytes: RawSpan, _ message: StunMessage, from address: TransportAddress, at now: Instant
  ) -> IceClientVerdict {
    guard let index = pairs.firstIndex(where: { $0.address == address }),
      pairs[index].transactionID == message.transactionID
    else { return .ignored(.unexpected) }
    guard StunIntegrity.verify(bytes, message, key: remote.key) else {
      return .ignored(.wrongIntegrity)
    }
    pairs[index].transactionID = nil
    pairs[index].wait = Self.firstWaitMilliseconds
    lastAnswer = now
    if selectedIndex == nil {
      selectedIndex = index
      state = .connected
      pairs[index].due = now  // the nomination
      return .connected
    }
    isNominated = true
    pairs[index].due = now.advanced(byMilliseconds: Self.consentIntervalMilliseconds)
    return .refreshed
  }

  private func handleRequest(
    _ bytes: RawSpan, _ message: StunMessage, from address: TransportAddress,
    reply: UnsafeMutableRawBufferPointer
  ) -> IceClientVerdict {
    guard let ours = message.localUfrag(in: bytes), bytes.matches(local.ufrag, at: ours),
      let theirs = message.remoteUfrag(in: bytes), bytes.matches(remote.ufrag, at: theirs)
    else { return .ignored(.wrongUsername) }
    guard StunIntegrity.verify(bytes, message, key: local.key) else {
      return .ignored(.wrongIntegrity)
    }
    var writer = unsafe StunWriter(
      into: reply, type: .bindingSuccess, transactionID: message.transactionID)
    writer.append(xorMappedAddress: address)
    return .respond(length: writer.seal(with: local.key))
  }

  private func writeCheck(
    _ transactionID: StunTransactionID, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    var writer = unsafe StunWriter(
      into: buffer, type: .bindingRequest, transactionID: transactionID)
    unsafe writer.append(usernameOf: remote.ufrag.span.bytes, from: local.ufrag.span.bytes)
    writer.append(controllingTieBreaker: tieBreaker)
    if selectedIndex != nil { writer.appendUseCandidate() }
    writer.append(priority: 0x6E00_00FF)  // peer-reflexive (RFC 8445, section 7.1.1)
    return writer.seal(with: remote.key)
  }
}
