internal import Wire

/// INIT, INIT ACK, COOKIE ECHO, COOKIE ACK (RFC 9260, sections 5.1 and 5.2).
///
/// The tag and the first TSN of this end are drawn once, so INIT and every INIT ACK before the
/// association is up say the same, as section 5.2.1 wants for two INITs that cross.
extension SctpAssociation {
  func sendInit(at now: Instant) {
    var body = offerBody(tag: localTag)
    appendExtensions(to: &body)
    sendAlone([UInt8](chunk: ChunkType.initiation, body), tag: 0)
    handshakeSent = handshakeTries == 0 ? now : nil
    timers.handshake = rto.deadline(from: now)
  }

  /// The fixed part of INIT and INIT ACK.
  private func offerBody(tag: UInt32) -> [UInt8] {
    var body: [UInt8] = []
    body.append(u32: tag)
    body.append(u32: UInt32(clamping: receiveWindowBytes))
    body.append(u16: .max)
    body.append(u16: .max)
    body.append(u32: localInitialTsn)
    return body
  }

  private func appendExtensions(to body: inout [UInt8]) {
    body.append(parameter: ParameterType.forwardTsn, [])
    body.append(
      parameter: ParameterType.supportedExtensions,
      [ChunkType.reconfiguration, ChunkType.forwardTsn])
  }

  /// Answers INIT with INIT ACK and keeps nothing.
  func takeInit(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    if state == .shutdownAckSent { return sendSoon([UInt8](chunk: ChunkType.shutdownAck, [])) }
    guard let (offer, unrecognized, _) = parseOffer(packet, chunk) else {
      counters.chunksMalformed &+= 1
      return
    }
    var cookie = StateCookie(
      created: now, localTag: localTag, localInitialTsn: localInitialTsn, peer: offer,
      tieLocalTag: 0, tiePeerTag: 0)
    switch state {
    case .closed, .cookieWait: break
    case .cookieEchoed:
      cookie.tieLocalTag = localTag
      cookie.tiePeerTag = peer?.tag ?? 0
    default:
      // Section 5.2.2: a tag of its own, so that a restart can be told from a repetition.
      cookie.tieLocalTag = localTag
      cookie.tiePeerTag = peer?.tag ?? 0
      cookie.localTag = secrets.nextTag()
    }
    var body = offerBody(tag: cookie.localTag)
    body.append(parameter: ParameterType.stateCookie, cookie.sealed(by: secrets))
    appendExtensions(to: &body)
    for parameter in unrecognized { body.append(parameter: ParameterType.unrecognized, parameter) }
    sendAlone([UInt8](chunk: ChunkType.initiationAck, body), tag: offer.tag)
  }

  func takeInitAck(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    guard state == .cookieWait else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    guard let (offer, _, cookie) = parseOffer(packet, chunk) else {
      counters.chunksMalformed &+= 1
      return
    }
    peer = offer
    guard let cookie, cookie.count <= parameters.packetBytesMax - 16 else {
      return abort(cause: ErrorCause.protocolViolation, loss: .handshakeRefused)
    }
    if let sent = handshakeSent { rto.sample(from: sent, to: now) }
    adopt(offer)
    cookieEcho = [UInt8](chunk: ChunkType.cookieEcho, packet.bytes(in: cookie))
    isCookieEchoDue = true
    state = .cookieEchoed
    handshakeTries = 0
    handshakeSent = now
    timers.handshake = rto.deadline(from: now)
  }

  /// COOKIE ECHO (section 5.1 step D, section 5.2.4). False when the rest of the packet must not be
  /// looked at.
  func takeCookieEcho(_ cookie: StateCookie, at now: Instant) -> Bool {
    let isOurTag = cookie.localTag == localTag
    if isOurTag, let peer, peer.tag == cookie.peer.tag, state != .closed, state != .cookieWait {
      // Case D, and a COOKIE ECHO that is repeated because COOKIE ACK was lost.
      if state == .cookieEchoed { becomeUp(at: now) }
      sendSoon([UInt8](chunk: ChunkType.cookieAck, []))
      return true
    }
    guard isOurTag else {
      let isRestart = cookie.tieLocalTag == localTag && cookie.tiePeerTag == peer?.tag
      guard isRestart, isFresh(cookie, at: now) else {
        counters.chunksOutOfPlace &+= 1
        return false
      }
      abort(cause: ErrorCause.userInitiated, loss: .restartedByPeer)
      return false
    }
    // The first COOKIE ECHO, or case B: two INITs have crossed and the peer's came through.
    guard state == .closed || state == .cookieWait || state == .cookieEchoed else {
      counters.chunksOutOfPlace &+= 1
      return false
    }
    guard isFresh(cookie, at: now) else { return false }
    adopt(cookie.peer)
    becomeUp(at: now)
    sendSoon([UInt8](chunk: ChunkType.cookieAck, []))
    return true
  }

  private func isFresh(_ cookie: StateCookie, at now: Instant) -> Bool {
    let age = now.milliseconds(since: cookie.created)
    guard age > parameters.cookieLifeMilliseconds else { return true }
    counters.cookiesStale &+= 1
    var staleness: [UInt8] = []
    staleness.append(u32: UInt32(clamping: (age - parameters.cookieLifeMilliseconds) * 1_000))
    var body: [UInt8] = []
    body.append(parameter: ErrorCause.staleCookie, staleness)
    sendAlone([UInt8](chunk: ChunkType.error, body), tag: cookie.peer.tag)
    return false
  }

  func takeCookieAck(at now: Instant) {
    guard state == .cookieEchoed else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    if let sent = handshakeSent { rto.sample(from: sent, to: now) }
    becomeUp(at: now)
  }

  /// The peer found its own cookie too old: begins anew (section 5.2.6).
  func takeStaleCookieError(at now: Instant) {
    guard state == .cookieEchoed, handshakeTries < parameters.retransmissionCountMax else { return }
    handshakeTries += 1
    state = .cookieWait
    isCookieEchoDue = false
    sendInit(at: now)
  }

  private func adopt(_ offer: PeerOffer) {
    peer = offer
    inbound = Inbound(
      initialTsn: offer.initialTsn, messageBytesMax: parameters.messageBytesMax)
    outbound.peerWindowBytes = Int(offer.windowBytes)
    outbound.canAbandon = offer.takesForwardTsn
    reset.nextPeerRequest = offer.initialTsn
  }

  private func becomeUp(at now: Instant) {
    state = .established
    isCookieEchoDue = false
    cookieEcho = []
    unanswered = 0
    timers.handshake = .never
    timers.heartbeat = now.advanced(byMilliseconds: parameters.heartbeatMilliseconds)
    startRetransmissionTimer(at: now)
    post(.associationUp)
    closeWhatPeerCannot()
  }

  func handshakeTimedOut(at now: Instant) {
    timers.handshake = .never
    handshakeTries += 1
    guard handshakeTries <= parameters.retransmissionCountMax else {
      return end(.handshakeTimedOut)
    }
    rto.backOff()
    if state == .cookieWait {
      sendInit(at: now)
    } else {
      isCookieEchoDue = true
      handshakeSent = nil
      // What travelled with the first one is lost as well.
      outbound.handleTimeout(at: now)
      timers.handshake = rto.deadline(from: now)
    }
  }

  private typealias ParsedOffer = (
    offer: PeerOffer, unrecognized: [[UInt8]], cookie: Range<Int>?
  )

  /// INIT or INIT ACK; nil when it cannot be.
  private func parseOffer(_ packet: RawSpan, _ chunk: Chunk) -> ParsedOffer? {
    guard chunk.body.count >= 16 else { return nil }
    let start = chunk.body.lowerBound
    var offer = PeerOffer(
      tag: packet.u32(at: start), initialTsn: packet.u32(at: start + 12),
      windowBytes: packet.u32(at: start + 4), outStreams: packet.u16(at: start + 8),
      inStreams: packet.u16(at: start + 10))
    guard offer.tag != 0, offer.outStreams != 0, offer.inStreams != 0 else { return nil }
    var unrecognized: [[UInt8]] = []
    var cookie: Range<Int>?
    var walk = ParameterWalk(start + 16..<chunk.body.upperBound)
    while let parameter = walk.next(in: packet) {
      switch parameter.type {
      case ParameterType.stateCookie: cookie = parameter.value
      case ParameterType.forwardTsn: offer.takesForwardTsn = true
      case ParameterType.supportedExtensions:
        for offset in parameter.value {
          let type = packet.u8(at: offset)
          if type == ChunkType.reconfiguration { offer.takesReconfiguration = true }
          if type == ChunkType.forwardTsn { offer.takesForwardTsn = true }
        }
      case 5, 6, 9, 12, 0x8000, 0x8001...0x8004, 0xC006: break
      default:
        // The two highest bits say whether to report and whether to go on (section 3.2.1).
        let report = parameter.type & 0x4000 != 0
        if report, unrecognized.count < 4, parameter.whole.count <= 64 {
          unrecognized.append(packet.bytes(in: parameter.whole))
        }
        if parameter.type & 0x8000 == 0 { return (offer, unrecognized, cookie) }
      }
    }
    return walk.isMalformed ? nil : (offer, unrecognized, cookie)
  }
}
