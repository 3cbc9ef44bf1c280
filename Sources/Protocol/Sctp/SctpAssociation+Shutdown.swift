internal import Wire

/// SHUTDOWN, SHUTDOWN ACK, SHUTDOWN COMPLETE (RFC 9260, section 9.2).
extension SctpAssociation {
  /// Goes on when everything is sent and acknowledged.
  func advanceShutdown(at now: Instant) {
    guard !outbound.isOutstanding, !outbound.hasUnsent else { return }
    switch state {
    case .shutdownPending: sendShutdown(at: now)
    case .shutdownReceived: sendShutdownAck(at: now)
    default: break
    }
  }

  private func sendShutdown(at now: Instant) {
    state = .shutdownSent
    var body: [UInt8] = []
    body.append(u32: inbound.cumulativeTsn)
    sendSoon([UInt8](chunk: ChunkType.shutdown, body))
    timers.shutdown = rto.deadline(from: now)
  }

  private func sendShutdownAck(at now: Instant) {
    state = .shutdownAckSent
    sendSoon([UInt8](chunk: ChunkType.shutdownAck, []))
    timers.shutdown = rto.deadline(from: now)
  }

  func shutdownTimedOut(at now: Instant) {
    timers.shutdown = .never
    rto.backOff()
    guard countUnanswered() else { return }
    if state == .shutdownSent { sendShutdown(at: now) }
    if state == .shutdownAckSent { sendShutdownAck(at: now) }
  }

  func takeShutdown(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    guard chunk.body.count >= 4 else {
      counters.chunksMalformed &+= 1
      return
    }
    switch state {
    case .established, .shutdownPending: state = .shutdownReceived
    case .shutdownSent: sendShutdownAck(at: now)
    default: break
    }
    // It acknowledges like a SACK without gaps.
    let cumulative = packet.u32(at: chunk.body.lowerBound)
    guard Int(cumulative &- (outbound.ring.base &- 1)) <= outbound.ring.extent else { return }
    let acknowledged = outbound.acknowledge(
      cumulativeTsn: cumulative, windowBytes: outbound.peerWindowBytes + outbound.flightBytes,
      gaps: [], at: now)
    if acknowledged.isAdvance { startRetransmissionTimer(at: now) }
  }

  func takeShutdownAck() {
    switch state {
    case .shutdownSent, .shutdownAckSent:
      if let tag = peer?.tag { sendAlone([UInt8](chunk: ChunkType.shutdownComplete, []), tag: tag) }
      end(.shutDown)
    default: counters.chunksOutOfPlace &+= 1
    }
  }

  func takeShutdownComplete() {
    guard state == .shutdownAckSent else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    end(.shutDown)
  }
}
