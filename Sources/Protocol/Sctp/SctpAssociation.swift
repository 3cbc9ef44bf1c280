package import Wire

/// One SCTP association with its data channels, inside one DTLS association (RFC 8261, 8831): the
/// part of RFC 9260 that one path needs, with RFC 8832 (channels), RFC 3758 (messages that may be
/// given up), RFC 6525 (streams that start again) and RFC 7053 (SACK without delay).
///
/// Without socket or clock: packets and time in, packets, events and the next deadline out. After
/// each `start`, `handle`, `handleTimeout`, `open`, `send`, `close`, `shutDown` or `abort`, and
/// after having taken events, drain `nextPacket`, then look at `deadline`. One thread at a time;
/// allocates, being no media path.
///
/// Any bytes may come: nothing traps, everything kept has a bound in `SctpParameters`, every packet
/// ends in one counter of `figures`.
package final class SctpAssociation {
  /// RFC 9260, section 4.
  enum State {
    case closed, cookieWait, cookieEchoed, established
    case shutdownPending, shutdownSent, shutdownReceived, shutdownAckSent
    /// Over; the last packets may still be taken.
    case ended
  }

  let parameters: SctpParameters
  var secrets: SctpSecrets
  var state = State.closed
  var counters = SctpFigures()

  let localTag: UInt32
  let localInitialTsn: UInt32
  /// What the peer says of itself, from INIT ACK or from the cookie on.
  var peer: PeerOffer?
  var inbound: Inbound
  var outbound: Outbound
  var rto: RetransmissionTimeout
  var timers = SctpTimers()

  /// Packets of one chunk under a tag of their own: INIT, INIT ACK, ABORT and their like.
  var solitary = Fifo<(tag: UInt32, chunk: [UInt8])>()
  /// Chunks for the next packet that has room.
  var control = Fifo<[UInt8]>()
  /// The peer's cookie, kept until COOKIE ACK; due when it has to be sent (again).
  var cookieEcho: [UInt8] = []
  var isCookieEchoDue = false
  /// When INIT or COOKIE ECHO went out for the first and only time.
  var handshakeSent: Instant?
  var handshakeTries = 0
  /// Tries in a row that the peer left without an answer.
  var unanswered = 0
  /// The HEARTBEAT that waits for its answer.
  var heartbeat: (nonce: UInt64, sent: Instant)?

  /// Packets with DATA since the last SACK.
  var packetsWithoutSack = 0
  var isSackDue = false
  /// The window that the last SACK stated.
  var advertisedBytes: Int

  var channels: [UInt16: Channel] = [:]
  /// Channels that are closing and whose outgoing stream still has to be reset.
  var streamsToReset: Set<UInt16> = []
  /// Streams on which a channel was refused, or ended without the peer's help: what still comes
  /// there begins none.
  var refusedStreams: Set<UInt16> = []
  var reset: ResetState
  var nextOwnStream: UInt16
  var events = Fifo<SctpEvent>()
  var eventBytes = 0
  /// Bytes of messages that come in the deprecated partial form.
  var partialBytes = 0
  var isSendBufferFreeWanted = false

  /// An association that has not begun. Draws its secrets from `random`, which must be
  /// unforeseeable for the peer outside of tests. Traps when a parameter is outside its range.
  package init(_ parameters: SctpParameters, random: inout some RandomNumberGenerator) {
    parameters.checkRanges()
    self.parameters = parameters
    secrets = SctpSecrets(random: &random)
    localTag = secrets.nextTag()
    localInitialTsn = secrets.nextWord()
    inbound = Inbound(initialTsn: 0, messageBytesMax: parameters.messageBytesMax)
    outbound = Outbound(
      initialTsn: localInitialTsn, packetBytesMax: parameters.packetBytesMax)
    rto = RetransmissionTimeout(parameters)
    advertisedBytes = parameters.receiveBufferBytesMax
    reset = ResetState(nextRequest: localInitialTsn)
    nextOwnStream = parameters.streamParity.rawValue
  }

  /// Sends INIT, as browsers do on both ends when DTLS is connected. Who does not call it answers.
  /// Has an effect in an association that has not begun.
  package func start(at now: Instant) {
    guard state == .closed else { return }
    state = .cookieWait
    sendInit(at: now)
  }

  /// Whether messages pass.
  package var isUp: Bool { state == .established }

  /// When `handleTimeout` wants to be called; `.never` when no timer runs.
  package var deadline: Instant { timers.deadline }

  /// The next event; nil when there is none. Events not taken count against the receive buffer.
  package func nextEvent() -> SctpEvent? {
    guard let event = events.popFirst() else { return nil }
    eventBytes -= Self.cost(of: event)
    let window = receiveWindowBytes
    // Tells a peer that waits before a closed window (section 6.2 of RFC 9260).
    if isUp, advertisedBytes < parameters.receiveBufferBytesMax / 4,
      window >= parameters.receiveBufferBytesMax / 2
    {
      isSackDue = true
    }
    return event
  }

  /// What this association has seen and holds.
  package var figures: SctpFigures {
    var figures = counters
    figures.retransmissions &+= outbound.retransmissions
    figures.looksForLosses &+= outbound.looksForLosses
    figures.messagesAbandoned &+= outbound.messagesAbandoned
    figures.dataStray &+= inbound.strays
    figures.sendBufferBytes = outbound.bufferedBytes
    figures.receiveBufferBytes = receiveBufferBytes
    figures.channels = channels.count
    figures.congestionWindowBytes = outbound.window.bytes
    figures.smoothedRoundTripMicroseconds = rto.smoothedNanoseconds / 1_000
    return figures
  }

  /// Ends the association at once with ABORT (RFC 9260, section 9.1).
  package func abort() { abort(cause: ErrorCause.userInitiated, loss: .aborted) }

  /// Ends the association when everything is sent and acknowledged (section 9.2). No message and
  /// no channel is taken any more.
  package func shutDown() {
    switch state {
    case .established: state = .shutdownPending
    case .closed: end(.shutDown)
    case .cookieWait, .cookieEchoed: abort(cause: ErrorCause.userInitiated, loss: .shutDown)
    default: break
    }
  }
}

extension SctpAssociation {
  var receiveBufferBytes: Int { inbound.heldBytes + eventBytes + partialBytes }

  var receiveWindowBytes: Int { max(0, parameters.receiveBufferBytesMax - receiveBufferBytes) }

  func post(_ event: SctpEvent) {
    eventBytes += Self.cost(of: event)
    events.append(event)
  }

  private static func cost(of event: SctpEvent) -> Int {
    switch event {
    case .message(_, _, let bytes): 128 + bytes.count
    case .channelOpened(let channel): 256 + channel.label.count + channel.subprotocol.count
    default: 64
    }
  }

  /// Everything stops; the event says why.
  func end(_ loss: SctpLoss) {
    guard state != .ended else { return }
    state = .ended
    timers = SctpTimers()
    control = Fifo()
    streamsToReset = []
    isCookieEchoDue = false
    post(.associationLost(loss))
    counters.retransmissions &+= outbound.retransmissions
    counters.looksForLosses &+= outbound.looksForLosses
    counters.messagesAbandoned &+= outbound.messagesAbandoned
    counters.dataStray &+= inbound.strays
    inbound = Inbound(initialTsn: 0, messageBytesMax: parameters.messageBytesMax)
    outbound = Outbound(initialTsn: 0, packetBytesMax: parameters.packetBytesMax)
    channels = [:]
    refusedStreams = []
    partialBytes = 0
  }

  /// Says ABORT to a peer that is known, and ends.
  func abort(cause: UInt16, loss: SctpLoss) {
    guard state != .ended else { return }
    if let tag = peer?.tag {
      var body: [UInt8] = []
      body.append(parameter: cause, [])
      sendAlone([UInt8](chunk: ChunkType.abort, body), tag: tag)
    }
    end(loss)
  }

  /// Queues a packet of one chunk. Bounded: what asks for it comes again.
  func sendAlone(_ chunk: [UInt8], tag: UInt32) {
    guard solitary.count < 4 else { return }
    solitary.append((tag, chunk))
  }

  /// Queues a chunk for the next packet; too many or too long ones are dropped.
  func sendSoon(_ chunk: [UInt8]) {
    guard control.count < 16, chunk.count <= parameters.packetBytesMax - Chunk.firstOffset else {
      return
    }
    control.append(chunk)
  }
}
