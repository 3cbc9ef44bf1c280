import Crypto
import Token
import Trunk
package import Wire

// The way up: what clients send. Every path through these functions counts exactly one counter of
// the group `client`.
extension RelayWorker {
  /// Takes a datagram that came from a client to `listener`.
  ///
  /// Any bytes from anywhere: nothing in them is believed but a token and a MESSAGE-INTEGRITY that
  /// hold. Traps when `listener` is not one of ours.
  package mutating func takeClientDatagram(
    _ datagram: ReceivedDatagram, listener: UInt8, at now: Instant
  ) {
    precondition(listeners.contains(listener))
    let bytes = unsafe datagram.bytes.bytes
    takeClient(datagram, bytes, listener, now)
  }

  @_noLocks
  private mutating func takeClient(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ listener: UInt8, _ now: Instant
  ) {
    // A default value of another module's is a call.
    let frame = TrunkFrame(
      listener: listener, client: datagram.peer, proven: false, ended: false)
    let length = bytes.byteCount
    guard !datagram.isTruncated else { return counters.count(.clientTruncated) }
    guard length > 0 else { return counters.count(.clientUnrecognised) }
    guard length <= trunkBytesMax - TrunkHeader.bytes - frame.headerBytes,
      length <= TrunkFrame.payloadBytesMax
    else { return counters.count(.clientTooLong) }
    let key = RouteKey(listener: listener, client: datagram.peer)
    switch DatagramKind.classify(firstByte: bytes.u8(at: 0)) {
    case .dtls, .media: routeByTable(datagram, frame, key, now)
    case .stun: routeStun(datagram, bytes, frame, key, now)
    case .other: counters.count(.clientUnrecognised)
    }
  }

  /// Data goes where the flow's transceiver is; while two transceivers answer, to both.
  @_noLocks
  private mutating func routeByTable(
    _ datagram: ReceivedDatagram, _ frame: TrunkFrame, _ key: RouteKey, _ now: Instant
  ) {
    let slot = liveRoute(key, at: now)
    guard slot >= 0 else { return routeAsCandidate(datagram, frame, key, now) }
    let route = routes.route(at: slot)
    let isChallenged = route.isChallenged(at: now)
    let isForOwner = forward(datagram, frame, to: Int(route.owner))
    var isForBoth = false
    if isChallenged {
      let isForChallenger = forward(datagram, frame, to: Int(route.challenger))
      isForBoth = isForOwner && isForChallenger
      guard isForOwner || isForChallenger else { return counters.count(.clientWithoutRoute) }
    } else {
      guard isForOwner else { return counters.count(.clientWithoutRoute) }
    }
    counters.count(isForBoth ? .clientForwardedToBoth : .clientForwardedByRoute)
    unsafe counters.count(.bytesUp, datagram.bytes.count)
  }

  /// The flow has no route; its client's check may have opened it a moment ago.
  @_noLocks
  private mutating func routeAsCandidate(
    _ datagram: ReceivedDatagram, _ frame: TrunkFrame, _ key: RouteKey, _ now: Instant
  ) {
    let owner = candidates.owner(of: key, at: now)
    guard owner >= 0 else {
      return counters.count(frame.client.isOfHost ? .clientWithoutRoute : .clientUnusableSource)
    }
    guard forward(datagram, frame, to: owner) else { return counters.count(.clientWithoutRoute) }
    counters.count(.clientForwardedByRoute)
    unsafe counters.count(.bytesUp, datagram.bytes.count)
  }

  /// A request with USERNAME goes by its token and never by the table: the client may have begun a
  /// new call from its old port. Indications and responses have no USERNAME (RFC 8445, section 7).
  @_noLocks
  private mutating func routeStun(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ frame: TrunkFrame, _ key: RouteKey,
    _ now: Instant
  ) {
    guard case .message(let message) = StunMessage.parse(bytes) else {
      return counters.count(.clientStunMalformed)
    }
    guard message.type.isRequest, case .some = message.username else {
      return routeByTable(datagram, frame, key, now)
    }
    guard let ufrag = message.localUfrag(in: bytes) else {
      return counters.count(.clientTokenMalformed)
    }
    let verdict = opener.open(
      bytes, at: ufrag.offset, length: ufrag.count, nowMinutes: tokenMinutes)
    guard case .valid(let token) = verdict else {
      return counters.count(Self.counter(for: verdict))
    }
    routeByToken(datagram, bytes, message, token, frame, key, now)
  }

  /// The counter of a token that is not valid.
  @_noLocks
  private static func counter(for verdict: TokenVerdict) -> RelayCounter {
    switch verdict {
    case .malformed, .nonCanonical: .clientTokenMalformed
    case .unknownKey: .clientTokenUnknownKey
    case .forged: .clientTokenForged
    case .expired, .premature: .clientTokenExpired
    case .valid: preconditionFailure("a valid token has no counter of its own")
    }
  }

  @_noLocks
  private mutating func routeByToken(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ message: StunMessage,
    _ token: TokenContents, _ frame: TrunkFrame, _ key: RouteKey, _ now: Instant
  ) {
    guard token.cluster == cluster else {
      evidence.otherCluster = token.cluster
      return counters.count(.clientOtherCluster)
    }
    let place = directory.place(of: token.transceiver)
    guard place >= 0 else {
      evidence.unknownTransceiver = token.transceiver
      return counters.count(.clientUnknownTransceiver)
    }
    let slot = liveRoute(key, at: now)
    if slot < 0 || !routes.route(at: slot).isServed(by: UInt16(truncatingIfNeeded: place)) {
      // The kernel lets some of them through; what is sent back would reach nobody, or many. What
      // has a route needs no such look.
      guard frame.client.isOfHost else { return counters.count(.clientUnusableSource) }
      // This check may open a flow or bring a challenger: it has to come from somebody who was
      // given the SDP answer. The transceiver checks every request, this one included.
      guard isFresh(token) else {
        evidence.tokenAgeMinutes = Int64(tokenMinutes) - Int64(token.mintedMinutes)
        return counters.count(.clientTokenExpired)
      }
      guard integrityHolds(bytes, message) else {
        return counters.count(.clientIntegrityFailed)
      }
      if slot < 0 { noteCandidate(key, place, now) }
    }
    let isForwarded = forward(datagram, frame, to: place)
    precondition(isForwarded, "the directory found it")
    counters.count(.clientForwardedByToken)
    unsafe counters.count(.bytesUp, datagram.bytes.count)
  }

  /// Whether the token is young enough, and not from the future, to open a flow.
  @_noLocks
  private func isFresh(_ token: TokenContents) -> Bool {
    let minted = UInt64(token.mintedMinutes)
    let now = UInt64(tokenMinutes)
    return minted <= now + UInt64(validity.skewMinutes)
      && now <= minted + UInt64(validity.lifetimeMinutes)
  }

  /// Whether the request was made with the password that belongs to its ufrag. No state, no
  /// look-up: the password is a function of the ufrag.
  @_noLocks
  private func integrityHolds(_ bytes: RawSpan, _ message: StunMessage) -> Bool {
    guard case .some = message.integrityOffset, let ufrag = message.localUfrag(in: bytes) else {
      return false
    }
    let password = passwords.derive(bytes, at: ufrag.offset, length: ufrag.count)
    return StunIntegrity.verify(bytes, message, key: password.integrityKey)
  }

  @_noLocks
  private mutating func noteCandidate(_ key: RouteKey, _ place: Int, _ now: Instant) {
    switch candidates.note(key, owner: UInt16(truncatingIfNeeded: place), at: now) {
    case .renewed: break
    case .opened: counters.count(.candidateOpened)
    case .displaced:
      counters.count(.candidateOpened)
      counters.count(.candidateEvicted)
    }
  }
}
