internal import Crypto
package import Wire

/// What became of a datagram that claimed to be STUN. Every one ends in exactly one case.
package enum IceVerdict: Equatable, Sendable {
  /// The first `length` bytes of the reply buffer are to be sent back on the same path.
  case respond(length: Int, IceNews)
  /// The first `length` bytes of the reply buffer are to be sent back: an error response to a
  /// signed request that asks for what we do not know. The request has changed nothing.
  case refuse(length: Int)
  /// The client answered our own request: the path leads to it.
  case proofAnswered
  /// Nothing was changed by it; counted in `IceLiteAgent.ignored`.
  case ignored(IceIgnored)
}

/// What a valid request taught us about its path.
package struct IceNews: Equatable, Sendable {
  /// The first valid request by this path.
  package var isNewPath: Bool
  /// The request nominated a path that was not nominated so far.
  package var isNominatedNow: Bool

  /// For the agent, and for tests that expect it.
  package init(isNewPath: Bool, isNominatedNow: Bool) {
    self.isNewPath = isNewPath
    self.isNominatedNow = isNominatedNow
  }
}

/// The lite agent of one call (RFC 8445, section 2.5): answers checks, knows which paths lead to
/// the client and by which one media leaves. A plain value without clock, socket or randomness.
///
/// Media never moves because of a STUN request alone, which anybody can replay from anywhere: a new
/// path must also bring a packet that passed SRTP's authentication, and answer a request of ours.
/// Nor do copies from elsewhere keep a call alive, or use up what the client's own path may ask.
///
/// A call lives as long as its client gives signs of life: checks, as RFC 7675 means it; but some
/// clients send none once they are connected, or none while media flows, so what they say and what
/// they answer counts as well.
package struct IceLiteAgent: ~Copyable, Sendable {
  /// Paths that a client may have at a time: a few relays times a few networks.
  package static let pathsMaximum = 8
  /// Room for any answer of ours: the longest has 80 bytes, to an IPv6 client.
  package static let replyBytesMax = 128
  /// After so much silence the other end has withdrawn its consent (RFC 7675, section 5.1).
  package static let consentMilliseconds: UInt64 = 30_000
  /// Chrome's fastest honest pace is one request in 48 ms on each pair.
  static let requestsMaximumPerSecond = 100
  /// A path without a request for this long makes room for a new one.
  static let replaceableMilliseconds: UInt64 = 5_000
  /// A path that brings no authenticated packet for this long has been left by its client.
  static let silentMilliseconds: UInt64 = 500

  let local: IceCredentials
  let remote: IceCredentials
  var paths: [IcePath] = []
  var selectedIndex: Int?
  /// The client's last sign of life.
  var lastLife: Instant
  var consent: IceConsent
  /// What the offer allows us to send to where its client may be, beside what comes from there.
  var offerAllowance: OfferAllowance
  /// Of all paths that are not known to be the client's.
  private var strangersRate = IceRate()
  /// How many datagrams were passed over, by `IceIgnored`.
  package private(set) var ignored = [7 of UInt64](repeating: 0)
  /// How many requests were answered.
  package private(set) var answered: UInt64 = 0

  /// `local` is what our answer's SDP says, `remote` the offer's, which had `offerByteCount` bytes
  /// (0 or more): what may be sent on its strength is reckoned from that. Consent is counted from
  /// `now`. Allocates the room for all paths.
  package init(
    local: IceCredentials, remote: IceCredentials, offerByteCount: Int, at now: Instant
  ) {
    precondition(offerByteCount >= 0, "an offer of less than nothing")
    self.local = local
    self.remote = remote
    lastLife = now
    consent = IceConsent(at: now)
    offerAllowance = OfferAllowance(offerByteCount: offerByteCount)
    paths.reserveCapacity(Self.pathsMaximum)
  }

  // MARK: - What the session asks

  /// Whether a valid request has come by `path`; DTLS and SRTP are taken from no other.
  package func isValidated(_ path: PathID) -> Bool { index(of: path) != nil }

  /// Every path that a valid request has come by, at most `pathsMaximum`. Allocates.
  package var pathIDs: [PathID] { paths.map(\.id) }

  /// Where media leaves; nil before the first valid request.
  package var selected: PathID? { selectedIndex.map { paths[$0].id } }

  /// Whether something has proved that `path` leads to the client.
  package func isProven(_ path: PathID) -> Bool {
    index(of: path).map { paths[$0].isProven } ?? false
  }

  /// Whether the client has given no sign of life for 30 s: the call is over (RFC 7675). Signs are
  /// a valid request by a path of the client's, a signed answer to a fresh request of ours, and a
  /// protected packet that is newer than all before it.
  package func consentLost(at now: Instant) -> Bool { now >= consentDeadline }

  /// When `poll` or `consentLost` wants to be asked next. Allocates nothing.
  package var deadline: Instant {
    var earliest = consentDeadline
    if selectedIndex != nil { earliest = min(earliest, consent.due) }
    for index in paths.indices {
      if let proof = paths[index].proof, !paths[index].isProven, !proof.isSpent {
        earliest = min(earliest, proof.due)
      }
    }
    return earliest
  }

  private var consentDeadline: Instant {
    lastLife.advanced(byMilliseconds: Self.consentMilliseconds)
  }

  // MARK: - What the session tells

  /// Counts a datagram that is not STUN towards what `path` may be sent before its proof.
  package mutating func noteReceived(_ byteCount: Int, from path: PathID) {
    guard let index = index(of: path) else { return }
    paths[index].bytesReceived &+= UInt64(byteCount)
  }

  /// Asks leave to send `byteCount` bytes by `path`, and counts them. False for a path that is not
  /// validated, or whose unproven allowance is used up: three times what it sent, and what is left
  /// of the offer's where media leaves.
  package mutating func admitSending(_ byteCount: Int, to path: PathID) -> Bool {
    guard let index = index(of: path) else { return false }
    return admitSending(byteCount, on: index)
  }

  mutating func admitSending(_ byteCount: Int, on index: Int) -> Bool {
    let missing = paths[index].allowanceMissing(for: byteCount)
    if missing > 0 {
      guard index == selectedIndex, offerAllowance.take(missing) else { return false }
      paths[index].bytesGranted &+= missing
    }
    paths[index].bytesSent &+= UInt64(byteCount)
    return true
  }

  /// A packet by `path` passed SRTP's authentication and was taken for the first time. `isNewest`:
  /// its index is higher than every earlier one of its SSRC, which makes it a sign of life; what
  /// somebody has kept back, and brings after later ones, is none. Moves media there when the
  /// client chose that path; true when it did.
  package mutating func noteAuthenticated(
    _ path: PathID, isNewest: Bool, at now: Instant
  ) -> Bool {
    guard let index = index(of: path) else { return false }
    if isNewest { lastLife = now }
    paths[index].lastAuthenticated = now
    return moveIfChosen(index, at: now)
  }

  /// The DTLS handshake ended with packets by `path`: its client has seen what we sent there.
  package mutating func noteHandshakeFinished(_ path: PathID, at now: Instant) {
    guard let index = index(of: path) else { return }
    paths[index].isProven = true
    paths[index].lastAuthenticated = now
    selectedIndex = index
  }

  mutating func moveIfChosen(_ index: Int, at now: Instant) -> Bool {
    guard let current = selectedIndex, current != index else { return false }
    let (old, new) = (paths[current], paths[index])
    guard new.isProven, new.lastAuthenticated != nil else { return false }
    let isNominatedLater =
      new.lastNomination.map { $0 > (old.lastNomination ?? Instant(nanoseconds: 0)) } ?? false
    // A NAT that changed its mapping: the client does not know, and some clients nominate once.
    let isOldSilent =
      now.milliseconds(since: old.lastAuthenticated ?? old.lastRequest) >= Self.silentMilliseconds
    guard isNominatedLater || isOldSilent else { return false }
    selectedIndex = index
    return true
  }

  // MARK: - Datagrams

  /// Takes one STUN datagram that came by `path`; any bytes may come. `reply` has room for
  /// `replyBytesMax` bytes or more. Allocates nothing.
  package mutating func handle(
    _ bytes: RawSpan, from path: PathID, at now: Instant, reply: UnsafeMutableRawBufferPointer
  ) -> IceVerdict {
    precondition(reply.count >= Self.replyBytesMax, "a buffer that a reply may not fit into")
    guard case .message(let message) = StunMessage.parse(bytes),
      message.fingerprintOffset == nil || message.fingerprintHolds(in: bytes)
    else { return ignore(.malformed) }
    switch message.type {
    case .bindingRequest:
      return unsafe handleRequest(bytes, message, from: path, at: now, reply: reply)
    case .bindingSuccess: return handleSuccess(bytes, message, from: path, at: now)
    case .bindingIndication: return ignore(.indication)
    default: return ignore(.unexpected)
    }
  }

  private mutating func handleRequest(
    _ bytes: RawSpan, _ message: StunMessage, from path: PathID, at now: Instant,
    reply: UnsafeMutableRawBufferPointer
  ) -> IceVerdict {
    guard let ours = message.localUfrag(in: bytes), bytes.matches(local.ufrag, at: ours),
      let theirs = message.remoteUfrag(in: bytes), bytes.matches(remote.ufrag, at: theirs)
    else { return ignore(.wrongUsername) }
    guard StunIntegrity.verify(bytes, message, key: local.key) else {
      return ignore(.wrongIntegrity)
    }
    guard admitRequest(by: path, at: now) else { return ignore(.tooMany) }
    if let attribute = message.unknownRequired {
      return unsafe refuse(message, knowingNo: attribute, reply: reply)
    }
    guard let (index, isNew) = findOrMakePath(path, at: now) else { return ignore(.pathsFull) }
    let news = note(message, count: bytes.byteCount, on: index, isNew: isNew, at: now)
    var writer = unsafe StunWriter(
      into: reply, type: .bindingSuccess, transactionID: message.transactionID)
    writer.append(xorMappedAddress: path.client)
    if message.speaksDtlsInStun { writer.appendEmptyDtlsInStun() }
    let length = writer.seal(with: local.key)
    paths[index].bytesSent &+= UInt64(length)
    answered &+= 1
    return .respond(length: length, news)
  }

  /// 420, with the first attribute that we would have to know (RFC 8489, section 6.3.1). Shorter
  /// than twice the shortest request that is answered so.
  private func refuse(
    _ message: StunMessage, knowingNo attribute: UInt16, reply: UnsafeMutableRawBufferPointer
  ) -> IceVerdict {
    var writer = unsafe StunWriter(
      into: reply, type: .bindingError, transactionID: message.transactionID)
    writer.append(errorCode: 420, reason: "")
    writer.append(unknownAttribute: attribute)
    return .refuse(length: writer.seal(with: local.key))
  }

  private mutating func note(
    _ message: StunMessage, count: Int, on index: Int, isNew: Bool, at now: Instant
  ) -> IceNews {
    if paths[index].isClients || !paths.contains(where: \.isClients) {
      lastLife = now
      consent.noteCheck(at: now)
    }
    paths[index].lastRequest = now
    paths[index].bytesReceived &+= UInt64(count)
    let isNominatedNow = message.useCandidate && paths[index].lastNomination == nil
    if message.useCandidate { paths[index].lastNomination = now }
    if let current = selectedIndex {
      followBeforeProof(from: current, to: index, nominated: message.useCandidate)
    } else {
      selectedIndex = index
    }
    askForProof(of: index, at: now)
    return IceNews(isNewPath: isNew, isNominatedNow: isNominatedNow)
  }

  /// Before the keys there is no media to protect: the handshake follows the nomination.
  private mutating func followBeforeProof(from current: Int, to index: Int, nominated: Bool) {
    if nominated && paths[current].lastAuthenticated == nil && paths[current].lastNomination == nil
    {
      selectedIndex = index
    }
  }

  /// Every new path is asked for a signed answer: a spoofed source address cannot give one. The
  /// first path too, or one lost flight would use up what an unproven address may be sent.
  private mutating func askForProof(of index: Int, at now: Instant) {
    guard !paths[index].isProven else { return }
    let isIdle = paths[index].proof.map { $0.isSpent && now >= $0.due } ?? true
    if isIdle { paths[index].proof = IceProof(due: now) }
  }

  // MARK: - Bookkeeping

  mutating func ignore(_ reason: IceIgnored) -> IceVerdict {
    ignored[Int(reason.rawValue)] &+= 1
    return .ignored(reason)
  }

  private mutating func admitRequest(by path: PathID, at now: Instant) -> Bool {
    let maximum = Self.requestsMaximumPerSecond
    guard let index = index(of: path), paths[index].isClients else {
      return strangersRate.admit(at: now, maximum: maximum)
    }
    return paths[index].rate.admit(at: now, maximum: maximum)
  }

  func index(of path: PathID) -> Int? {
    for index in paths.indices where paths[index].id == path { return index }
    return nil
  }

  /// Nil when all places are taken by paths that had a request lately.
  private mutating func findOrMakePath(
    _ id: PathID, at now: Instant
  ) -> (index: Int, isNew: Bool)? {
    if let index = index(of: id) { return (index, false) }
    let path = IcePath(id: id, lastRequest: now)
    if paths.count < Self.pathsMaximum {
      paths.append(path)
      return (paths.count - 1, true)
    }
    var oldest: Int?
    for index in paths.indices where index != selectedIndex {
      if oldest.map({ paths[index].lastRequest < paths[$0].lastRequest }) ?? true { oldest = index }
    }
    guard let oldest,
      now.milliseconds(since: paths[oldest].lastRequest) >= Self.replaceableMilliseconds
    else { return nil }
    paths[oldest] = path
    return (oldest, true)
  }
}
