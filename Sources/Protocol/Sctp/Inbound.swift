internal import Wire

/// One DATA chunk that arrived (RFC 9260, section 3.3.1).
struct InboundChunk {
  let stream: UInt16
  let sequence: UInt16
  let protocolID: UInt32
  let flags: UInt8
  /// Nil once its message was delivered ahead of a gap.
  var bytes: [UInt8]?

  var isUnordered: Bool { flags & 4 != 0 }
  var isFirst: Bool { flags & 2 != 0 }
  var isLast: Bool { flags & 1 != 0 }

  /// Whether `other` may be a part of the same message.
  func isOfOneMessage(with other: InboundChunk) -> Bool {
    stream == other.stream && isUnordered == other.isUnordered
      && (isUnordered || sequence == other.sequence)
  }
}

/// A whole message, before anybody has looked at what it says.
struct InboundMessage {
  let stream: UInt16
  let protocolID: UInt32
  let bytes: [UInt8]
}

/// The receiving half: TSNs, reassembly, order within streams, what a SACK says.
///
/// Without I-DATA the parts of a message have TSNs in a row, so at most one message can be
/// incomplete at the cumulative TSN; it grows in `assembly`. Everything above the first gap waits
/// in a ring of at most `windowChunks`, unless its message is whole and next in its stream.
/// TSNs come in the order in which the peer sent, so a message that the cumulative TSN has passed
/// is delivered whatever its stream's number says: a peer cannot stall a stream by lying about it.
struct Inbound {
  /// TSNs above the cumulative one for which something may be kept.
  static let windowChunks = 2_048
  /// Streams whose order is followed ahead of a gap; others wait until the gap is filled.
  static let followedStreams = 256
  /// Duplicates reported in one SACK.
  static let duplicatesMax = 16

  enum Verdict { case taken, duplicate, noRoom }

  private(set) var cumulativeTsn: UInt32
  private(set) var ring: TsnRing<InboundChunk>
  /// Bytes in the ring and in the assembly.
  private(set) var heldBytes = 0
  private(set) var strays: UInt64 = 0
  /// Whole messages, for the association to take at once.
  var delivered = Fifo<InboundMessage>()
  var duplicates: [UInt32] = []
  /// The message being assembled has grown beyond what is taken.
  private(set) var isTooLong = false

  /// Something has come since `deliverAheadOfGap` looked.
  private var isLookDue = false

  private let messageBytesMax: Int
  private var assembly: (first: InboundChunk, bytes: [UInt8])?
  private var expected: [UInt16: UInt16] = [:]

  init(initialTsn: UInt32, messageBytesMax: Int) {
    cumulativeTsn = initialTsn &- 1
    ring = TsnRing(base: initialTsn, extentMax: Self.windowChunks)
    self.messageBytesMax = messageBytesMax
  }

  var hasGap: Bool { !ring.isEmpty }

  /// Takes one chunk; `roomBytes` is what the caller still lets this half keep.
  mutating func take(_ chunk: InboundChunk, tsn: UInt32, roomBytes: Int) -> Verdict {
    guard tsn.isAfter(cumulativeTsn) else { return noteDuplicate(tsn) }
    guard let position = ring.position(of: tsn) else { return .noRoom }
    if position < ring.extent, ring[position] != nil { return noteDuplicate(tsn) }
    let count = chunk.bytes?.count ?? 0
    guard count <= roomBytes else { return .noRoom }
    heldBytes += count
    ring.put(chunk, at: position)
    advance()
    isLookDue = true
    return .taken
  }

  /// Gives up everything to `tsn` that is missing (RFC 3758, section 3.6). False when that is old.
  mutating func forward(to tsn: UInt32, skipping streams: [(stream: UInt16, sequence: UInt16)])
    -> Bool
  {
    guard tsn.isAfter(cumulativeTsn) else { return false }
    while cumulativeTsn != tsn, !ring.isEmpty { step() }
    if cumulativeTsn != tsn {
      dropAssembly()
      cumulativeTsn = tsn
      ring.reset(base: tsn &+ 1)
    }
    for (stream, sequence) in streams {
      if let next = expected[stream], next.isAfter(sequence) { continue }
      follow(stream, from: sequence &+ 1)
    }
    advance()
    isLookDue = true
    return true
  }

  /// The stream starts again at 0, or is not used any more.
  mutating func forget(_ stream: UInt16) { expected[stream] = nil }

  private mutating func noteDuplicate(_ tsn: UInt32) -> Verdict {
    if duplicates.count < Self.duplicatesMax { duplicates.append(tsn) }
    return .duplicate
  }

  private mutating func follow(_ stream: UInt16, from sequence: UInt16) {
    if expected[stream] != nil || expected.count < Self.followedStreams {
      expected[stream] = sequence
    }
  }

  private mutating func advance() {
    while ring.extent > 0, ring[0] != nil { step() }
  }

  /// Moves the cumulative TSN on by one: what is there is assembled, what is missing is given up.
  private mutating func step() {
    cumulativeTsn &+= 1
    guard let chunk = ring.removeFirst() else { return dropAssembly() }
    guard let bytes = chunk.bytes else { return dropAssembly() }
    if chunk.isFirst {
      dropAssembly()
      assembly = (chunk, bytes)
      assembly?.first.bytes = nil
    } else if let first = assembly?.first, first.isOfOneMessage(with: chunk) {
      assembly?.bytes.append(contentsOf: bytes)
    } else {
      heldBytes -= bytes.count
      strays &+= 1
      return dropAssembly()
    }
    if let count = assembly?.bytes.count, count > messageBytesMax { isTooLong = true }
    if chunk.isLast, let (first, whole) = assembly {
      assembly = nil
      deliver(first, whole)
    }
  }

  private mutating func dropAssembly() {
    guard let dropped = assembly else { return }
    heldBytes -= dropped.bytes.count
    strays &+= 1
    assembly = nil
  }

  private mutating func deliver(_ first: InboundChunk, _ bytes: [UInt8]) {
    heldBytes -= bytes.count
    if !first.isUnordered { follow(first.stream, from: first.sequence &+ 1) }
    delivered.append(
      InboundMessage(stream: first.stream, protocolID: first.protocolID, bytes: bytes))
  }

  /// Delivers what is whole above a gap and need not wait for what is missing. In the order of
  /// TSNs, so one pass finds a stream's messages one after the other. Looks at the whole ring, so
  /// it must not be called for every chunk. False when there was nothing to look at.
  mutating func deliverAheadOfGap() -> Bool {
    guard isLookDue, !ring.isEmpty else { return false }
    isLookDue = false
    var position = 0
    while position < ring.extent {
      guard let first = ring[position], first.isFirst, first.bytes != nil,
        let last = lastPart(from: position, of: first)
      else {
        position += 1
        continue
      }
      if first.isUnordered || first.sequence == expected[first.stream] ?? 0 {
        deliver(first, takeParts(position...last))
      }
      position = last + 1
    }
    return true
  }

  /// Where the message that begins at `position` ends; nil when not all of it is there.
  private func lastPart(from position: Int, of first: InboundChunk) -> Int? {
    if first.isLast { return position }
    var next = position + 1
    while next < ring.extent, let chunk = ring[next], chunk.bytes != nil, !chunk.isFirst,
      chunk.isOfOneMessage(with: first)
    {
      if chunk.isLast { return next }
      next += 1
    }
    return nil
  }

  private mutating func takeParts(_ positions: ClosedRange<Int>) -> [UInt8] {
    if positions.count == 1, let bytes = ring[positions.lowerBound]?.bytes {
      ring[positions.lowerBound]?.bytes = nil
      return bytes
    }
    var whole: [UInt8] = []
    for position in positions {
      whole.append(contentsOf: ring[position]?.bytes ?? [])
      ring[position]?.bytes = nil
    }
    if whole.count > messageBytesMax { isTooLong = true }
    return whole
  }
}

extension Inbound {
  /// The body of a SACK (RFC 9260, section 3.3.4), with at most `blocksMax` gap blocks and the
  /// duplicates seen since the last one, which it forgets.
  mutating func sackBody(windowBytes: Int, blocksMax: Int) -> [UInt8] {
    let blocks = gapBlocks(atMost: blocksMax)
    var body: [UInt8] = []
    body.reserveCapacity(12 + 4 * (blocks.count + duplicates.count))
    body.append(u32: cumulativeTsn)
    body.append(u32: UInt32(clamping: windowBytes))
    body.append(u16: UInt16(blocks.count))
    body.append(u16: UInt16(duplicates.count))
    for block in blocks {
      body.append(u16: UInt16(block.lowerBound + 1))
      body.append(u16: UInt16(block.upperBound + 1))
    }
    for tsn in duplicates { body.append(u32: tsn) }
    duplicates = []
    return body
  }

  /// What is there above the cumulative TSN, by position in the ring.
  private func gapBlocks(atMost limit: Int) -> [ClosedRange<Int>] {
    var blocks: [ClosedRange<Int>] = []
    var position = 0
    while position < ring.extent, blocks.count < limit {
      guard ring[position] != nil else {
        position += 1
        continue
      }
      let start = position
      while position < ring.extent, ring[position] != nil { position += 1 }
      blocks.append(start...position - 1)
    }
    return blocks
  }
}
