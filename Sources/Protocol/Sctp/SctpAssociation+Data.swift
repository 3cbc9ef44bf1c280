internal import Wire

/// What the DATA of one packet asks for.
struct DataInPacket {
  var isThere = false
  var isSackWanted = false
  /// Looks at what waits above a gap, beside the one at the packet's end. Each goes over the whole
  /// ring, and a packet may have 60 chunks that change it.
  var looks = 0
  static let looksMax = 4
  /// SACK chunks in the packet. One says it all, and each is held against all that is outstanding.
  var sacks = 0
}

/// DATA, SACK and FORWARD TSN in.
extension SctpAssociation {
  func takeData(
    _ packet: RawSpan, _ chunk: Chunk, _ data: inout DataInPacket, at now: Instant
  ) {
    guard isConnected, state != .shutdownReceived, state != .shutdownAckSent else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    guard chunk.body.count > 12 else {
      counters.chunksMalformed &+= 1
      return
    }
    let start = chunk.body.lowerBound
    let arrived = InboundChunk(
      stream: packet.u16(at: start + 4), sequence: packet.u16(at: start + 6),
      protocolID: packet.u32(at: start + 8), flags: chunk.flags,
      bytes: packet.bytes(in: start + 12..<chunk.body.upperBound))
    data.isThere = true
    if chunk.flags & 8 != 0 { data.isSackWanted = true }
    switch inbound.take(arrived, tsn: packet.u32(at: start), roomBytes: receiveWindowBytes) {
    case .taken:
      if data.looks < DataInPacket.looksMax, lookBeyondGap() { data.looks += 1 }
    case .duplicate:
      counters.dataDuplicate &+= 1
      data.isSackWanted = true
    case .noRoom:
      counters.dataWithoutRoom &+= 1
      data.isSackWanted = true
    }
    takeDelivered(at: now)
  }

  /// Decides when to acknowledge: every second packet, at a gap or on wish at once, else soon
  /// (RFC 9260, section 6.2).
  func finishData(_ data: DataInPacket, at now: Instant) {
    guard state != .ended else { return }
    if lookBeyondGap() { takeDelivered(at: now) }
    guard data.isThere, state != .ended else { return }
    packetsWithoutSack += 1
    if data.isSackWanted || inbound.hasGap || packetsWithoutSack >= 2 || state == .shutdownSent {
      isSackDue = true
    } else if timers.sack == .never {
      timers.sack = now.advanced(byMilliseconds: parameters.sackDelayMilliseconds)
    }
  }

  /// False when nothing has changed there.
  private func lookBeyondGap() -> Bool {
    guard inbound.deliverAheadOfGap() else { return false }
    counters.looksBeyondGaps &+= 1
    return true
  }

  private func takeDelivered(at now: Instant) {
    while let message = inbound.delivered.popFirst() { take(message, at: now) }
    if inbound.isTooLong { abort(cause: ErrorCause.protocolViolation, loss: .messageTooLong) }
  }

  func takeSack(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    guard chunk.body.count >= 12 else {
      counters.chunksMalformed &+= 1
      return
    }
    let start = chunk.body.lowerBound
    let cumulative = packet.u32(at: start)
    let blocks = Int(packet.u16(at: start + 8))
    let duplicates = Int(packet.u16(at: start + 10))
    guard chunk.body.count >= 12 + 4 * (blocks + duplicates) else {
      counters.chunksMalformed &+= 1
      return
    }
    let distance = Int(cumulative &- (outbound.ring.base &- 1))
    guard distance <= outbound.ring.extent else {
      // Old ones come by reordering; ahead of all that was sent is a lie.
      if cumulative.isAfter(outbound.ring.base) {
        counters.sacksImpossible &+= 1
      } else {
        counters.chunksOutOfPlace &+= 1
      }
      return
    }
    guard let gaps = gapBlocks(packet, at: start + 12, count: blocks, below: distance) else {
      counters.sacksImpossible &+= 1
      return
    }
    let acknowledged = outbound.acknowledge(
      cumulativeTsn: cumulative, windowBytes: Int(packet.u32(at: start + 4)), gaps: gaps, at: now)
    unanswered = 0
    if let sent = acknowledged.timedFrom { rto.sample(from: sent, to: now) }
    if acknowledged.isAdvance { startRetransmissionTimer(at: now) }
  }

  /// The gap blocks as positions in the ring after the cumulative TSN has moved by `distance`; nil
  /// when they are out of order or name what was never sent.
  private func gapBlocks(
    _ packet: RawSpan, at start: Int, count: Int, below distance: Int
  ) -> [ClosedRange<Int>]? {
    var gaps: [ClosedRange<Int>] = []
    var lowest = 1
    for index in 0..<count {
      let first = Int(packet.u16(at: start + 4 * index))
      let last = Int(packet.u16(at: start + 4 * index + 2))
      guard first >= lowest, last >= first, last <= outbound.ring.extent - distance else {
        return nil
      }
      gaps.append(first - 1...last - 1)
      lowest = last + 1
    }
    return gaps
  }

  func takeForwardTsn(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    guard chunk.body.count >= 4, chunk.body.count & 3 == 0 else {
      counters.chunksMalformed &+= 1
      return
    }
    let start = chunk.body.lowerBound
    var skipped: [(stream: UInt16, sequence: UInt16)] = []
    for offset in stride(from: start + 4, to: chunk.body.upperBound, by: 4) {
      skipped.append((packet.u16(at: offset), packet.u16(at: offset + 2)))
    }
    if !inbound.forward(to: packet.u32(at: start), skipping: skipped) {
      counters.chunksOutOfPlace &+= 1
    }
    isSackDue = true
    takeDelivered(at: now)
  }
}
