package import Wire

/// Packets in.
extension SctpAssociation {
  /// Takes one packet, as it came out of DTLS. Any bytes may come.
  @discardableResult
  package func handle(_ packet: RawSpan, at now: Instant) -> SctpVerdict {
    let verdict = take(packet, at: now)
    counters.packets.count(verdict)
    tellRoom()
    return verdict
  }

  private func take(_ packet: RawSpan, at now: Instant) -> SctpVerdict {
    if state == .ended { return .ended }
    guard packet.byteCount >= Chunk.firstOffset + 4, packet.byteCount <= 65_535,
      let count = Chunk.count(in: packet), let first = Chunk(in: packet, at: Chunk.firstOffset)
    else { return .malformed }
    guard packet.u32(at: 8).byteSwapped == Crc32c.ofPacket(packet) else { return .wrongChecksum }
    guard packet.u16(at: 0) == parameters.peerPort, packet.u16(at: 2) == parameters.port else {
      return .wrongPorts
    }
    let tag = packet.u32(at: 4)
    switch first.type {
    case ChunkType.initiation:
      guard count == 1 else { return .malformed }
      guard tag == 0 else { return .wrongTag }
      takeInit(packet, first, at: now)
      return .accepted
    case ChunkType.cookieEcho:
      return takeCookiePacket(packet, first, tag: tag, at: now)
    default: break
    }
    if state == .closed { return .outOfTheBlue }
    if first.type == ChunkType.initiationAck || first.type == ChunkType.shutdownComplete {
      guard count == 1 else { return .malformed }
    }
    guard isTagRight(tag, of: first) else { return .wrongTag }
    takeChunks(packet, from: Chunk.firstOffset, at: now)
    return .accepted
  }

  /// RFC 9260, section 8.5.1: ABORT and SHUTDOWN COMPLETE may carry the peer's own tag and say so.
  private func isTagRight(_ tag: UInt32, of first: Chunk) -> Bool {
    if first.type == ChunkType.abort || first.type == ChunkType.shutdownComplete,
      first.flags & 1 != 0
    {
      return tag == peer?.tag
    }
    return tag == localTag
  }

  private func takeCookiePacket(
    _ packet: RawSpan, _ first: Chunk, tag: UInt32, at now: Instant
  ) -> SctpVerdict {
    guard let cookie = StateCookie(in: packet, at: first.body, sealedBy: secrets) else {
      counters.cookiesForged &+= 1
      return state == .closed ? .outOfTheBlue : .accepted
    }
    guard tag == cookie.localTag else { return .wrongTag }
    if takeCookieEcho(cookie, at: now) { takeChunks(packet, from: first.end, at: now) }
    return .accepted
  }

  /// Looks at the chunks one after the other.
  private func takeChunks(_ packet: RawSpan, from start: Int, at now: Instant) {
    var offset = start
    var data = DataInPacket()
    while state != .ended, let chunk = Chunk(in: packet, at: offset) {
      offset = chunk.end
      if chunk.type == ChunkType.data {
        takeData(packet, chunk, &data, at: now)
      } else if chunk.type == ChunkType.sack, data.sacks > 0 {
        counters.chunksOutOfPlace &+= 1
      } else {
        if chunk.type == ChunkType.sack { data.sacks += 1 }
        if !takeControl(packet, chunk, at: now) { break }
      }
    }
    finishData(data, at: now)
  }

  /// One chunk other than DATA. False when the rest of the packet must not be looked at.
  private func takeControl(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) -> Bool {
    switch chunk.type {
    case ChunkType.initiationAck: takeInitAck(packet, chunk, at: now)
    case ChunkType.cookieAck: takeCookieAck(at: now)
    case ChunkType.abort: takeAbort(packet, chunk)
    case ChunkType.error: takeError(packet, chunk, at: now)
    case ChunkType.sack: whenConnected { takeSack(packet, chunk, at: now) }
    case ChunkType.forwardTsn: whenConnected { takeForwardTsn(packet, chunk, at: now) }
    case ChunkType.reconfiguration: whenConnected { takeReconfiguration(packet, chunk, at: now) }
    case ChunkType.heartbeat: whenConnected { takeHeartbeat(packet, chunk) }
    case ChunkType.heartbeatAck: whenConnected { takeHeartbeatAck(packet, chunk, at: now) }
    case ChunkType.shutdown: whenConnected { takeShutdown(packet, chunk, at: now) }
    case ChunkType.shutdownAck: takeShutdownAck()
    case ChunkType.shutdownComplete: takeShutdownComplete()
    case ChunkType.initiation, ChunkType.cookieEcho: counters.chunksOutOfPlace &+= 1
    default: return takeUnknown(packet, chunk)
    }
    return true
  }

  /// Whether chunks of an association that is up have a meaning.
  var isConnected: Bool {
    switch state {
    case .closed, .cookieWait, .cookieEchoed, .ended: false
    default: true
    }
  }

  private func whenConnected(_ body: () -> Void) {
    if isConnected { body() } else { counters.chunksOutOfPlace &+= 1 }
  }

  /// The two highest bits of the type say whether to go on and whether to report (section 3.2).
  private func takeUnknown(_ packet: RawSpan, _ chunk: Chunk) -> Bool {
    counters.chunksUnknown &+= 1
    if chunk.type & 0x40 != 0, isConnected, chunk.whole.count <= 256 {
      var body: [UInt8] = []
      body.append(parameter: ErrorCause.unrecognizedChunk, packet.bytes(in: chunk.whole))
      sendSoon([UInt8](chunk: ChunkType.error, body))
    }
    return chunk.type & 0x80 != 0
  }

  private func takeAbort(_ packet: RawSpan, _ chunk: Chunk) {
    var walk = ParameterWalk(chunk.body)
    end(.abortedByPeer(cause: walk.next(in: packet)?.type ?? 0))
  }

  private func takeError(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    var walk = ParameterWalk(chunk.body)
    while let cause = walk.next(in: packet) {
      if cause.type == ErrorCause.staleCookie { return takeStaleCookieError(at: now) }
    }
    if walk.isMalformed { counters.chunksMalformed &+= 1 }
  }

  private func takeHeartbeat(_ packet: RawSpan, _ chunk: Chunk) {
    sendSoon([UInt8](chunk: ChunkType.heartbeatAck, packet.bytes(in: chunk.body)))
  }

  private func takeHeartbeatAck(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    var walk = ParameterWalk(chunk.body)
    guard let info = walk.next(in: packet), info.type == 1, info.value.count == 8,
      let (nonce, sent) = heartbeat, packet.u64(at: info.value.lowerBound) == nonce
    else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    heartbeat = nil
    unanswered = 0
    rto.sample(from: sent, to: now)
  }
}
