package import Wire

/// Packets out.
extension SctpAssociation {
  /// Gap blocks in one SACK: the lowest ones, which are what the peer must send first.
  private static let gapBlocksMax = 64
  /// Streams that one FORWARD TSN names.
  private static let skippedStreamsMax = 64

  /// Writes the next packet into `buffer`, of `packetBytesMax` bytes or more, and gives its length;
  /// nil when there is nothing to send now.
  package func nextPacket(into buffer: UnsafeMutableRawBufferPointer, at now: Instant) -> Int? {
    precondition(buffer.count >= parameters.packetBytesMax, "a packet needs its room")
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<parameters.packetBytesMax])
    var writer = unsafe ByteWriter(into: room)
    if let (tag, chunk) = solitary.popFirst() {
      writeHeader(&writer, tag: tag)
      writer.append(chunk.raw)
    } else {
      guard let tag = peer?.tag, writeChunks(&writer, tag: tag, at: now) else { return nil }
    }
    let checksum = Crc32c.ofPacket(unsafe RawSpan(_unsafeBytes: writer.written)).byteSwapped
    writer.patch(u16: UInt16(checksum >> 16), at: 8)
    writer.patch(u16: UInt16(truncatingIfNeeded: checksum), at: 10)
    counters.packetsSent &+= 1
    return writer.count
  }

  private func writeHeader(_ writer: inout ByteWriter, tag: UInt32) {
    writer.append(u16: parameters.port)
    writer.append(u16: parameters.peerPort)
    writer.append(u32: tag)
    writer.append(u32: 0)
  }

  /// False when there is nothing to write.
  private func writeChunks(_ writer: inout ByteWriter, tag: UInt32, at now: Instant) -> Bool {
    writeHeader(&writer, tag: tag)
    if state == .cookieEchoed {
      guard isCookieEchoDue else { return false }
      isCookieEchoDue = false
      writer.append(cookieEcho.raw)
      writeData(&writer, at: now)
      return true
    }
    guard isConnected else { return false }
    requestReset(at: now)
    advanceShutdown(at: now)
    writeControl(&writer)
    if isSackDue || (packetsWithoutSack > 0 && outbound.canSend) { writeSack(&writer) }
    writeForwardTsn(&writer)
    writeData(&writer, at: now)
    return writer.count > Chunk.firstOffset
  }

  private func writeControl(_ writer: inout ByteWriter) {
    while let chunk = control.first, chunk.count <= writer.room {
      _ = control.popFirst()
      writer.append(chunk.raw)
    }
  }

  private func writeSack(_ writer: inout ByteWriter) {
    let blocksMax = min(Self.gapBlocksMax, (writer.room - 16) / 4 - Inbound.duplicatesMax)
    guard blocksMax >= 0 else { return }
    advertisedBytes = receiveWindowBytes
    let body = inbound.sackBody(windowBytes: advertisedBytes, blocksMax: blocksMax)
    writer.append([UInt8](chunk: ChunkType.sack, body).raw)
    isSackDue = false
    packetsWithoutSack = 0
    timers.sack = .never
  }

  private func writeForwardTsn(_ writer: inout ByteWriter) {
    guard outbound.isForwardTsnDue else { return }
    let streamsMax = min(Self.skippedStreamsMax, (writer.room - 8) / 4)
    guard streamsMax > 0 else { return }
    outbound.isForwardTsnDue = false
    guard let body = outbound.forwardTsnBody(streamsMax: streamsMax) else { return }
    writer.append([UInt8](chunk: ChunkType.forwardTsn, body).raw)
  }

  private func writeData(_ writer: inout ByteWriter, at now: Instant) {
    var isAlone = true
    while let next = outbound.nextChunk(
      room: writer.room, isAloneInPacket: isAlone, at: now)
    {
      let chunk = next.chunk
      isAlone = false
      writer.append(u8: ChunkType.data)
      writer.append(u8: next.flags)
      writer.append(u16: UInt16(ChunkToSend.headerBytes + chunk.count))
      writer.append(u32: next.tsn)
      writer.append(u16: chunk.message.stream)
      writer.append(u16: chunk.message.isUnordered ? 0 : chunk.message.sequence)
      writer.append(u32: chunk.message.protocolID)
      let part = chunk.start..<chunk.start + chunk.count
      let bytes = chunk.message.bytes
      writer.append(bytes.raw.extracting(part))
      writer.append(zeros: -chunk.count & 3)
    }
    guard !isAlone else { return }
    outbound.mayRetransmitNow = false
    if timers.retransmission == .never, state != .cookieEchoed { startRetransmissionTimer(at: now) }
  }
}
