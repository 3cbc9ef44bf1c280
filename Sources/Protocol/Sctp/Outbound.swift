internal import Wire

/// The sending half: messages wait in their streams, get TSNs as the windows allow, and stay until
/// the peer's cumulative TSN has passed them.
struct Outbound {
  /// TSNs outstanding at a time.
  static let windowChunks = 2_048
  /// Less room than this at the end of a packet is not worth a fragment.
  static let fragmentBytesMin = 128

  var nextTsn: UInt32 { ring.end }
  private(set) var ring: TsnRing<OutgoingChunk>
  private(set) var flightBytes = 0
  /// What waits or is outstanding, each message at its cost.
  private(set) var bufferedBytes = 0
  private(set) var window: CongestionWindow
  private(set) var retransmissions: UInt64 = 0
  private(set) var messagesAbandoned: UInt64 = 0
  /// Whether the peer knows FORWARD TSN; without it nothing with a TSN is given up.
  var canAbandon = false
  /// The window that the peer states, less what is in flight.
  var peerWindowBytes = 0
  /// The last SACK left no room for a packet.
  private var peerWindowIsClosed = false
  /// One packet may go out whatever the congestion window says: the fast retransmission.
  var mayRetransmitNow = false
  /// A FORWARD TSN should say again what is given up.
  var isForwardTsnDue = false

  private var streams: [UInt16: OutgoingStream] = [:]
  /// The streams that have messages, in the order of their turns.
  private var turns = Fifo<UInt16>()
  /// The message that has begun: its parts must have TSNs in a row.
  private var current: OutgoingMessage?
  private var waitingToRetransmit = 0
  /// The position in the ring before which no chunk waits to be sent again.
  private var lossesFrom = 0
  /// Chunks looked at in search of one to send again.
  private(set) var looksForLosses: UInt64 = 0
  /// Chunks in the ring, by stream.
  private var outstanding: [UInt16: Int] = [:]
  /// The chunk whose round trip is being measured.
  private var timed: (tsn: UInt32, sent: Instant)?
  private var lastSent: Instant?

  init(initialTsn: UInt32, packetBytesMax: Int) {
    ring = TsnRing(base: initialTsn, extentMax: Self.windowChunks)
    // What one packet holds of DATA chunks, its own header apart.
    window = CongestionWindow(packetBytes: packetBytesMax)
  }

  var isOutstanding: Bool { !ring.isEmpty }
  var hasUnsent: Bool { current != nil || !turns.isEmpty }
  /// Whether a packet could carry DATA now, or nearly: what to let a SACK wait for.
  var canSend: Bool {
    guard flightBytes < window.bytes || mayRetransmitNow else { return false }
    return waitingToRetransmit > 0 || (hasUnsent && (peerWindowBytes > 0 || flightBytes == 0))
  }

  mutating func append(_ message: OutgoingMessage) {
    bufferedBytes += message.costBytes
    if streams[message.stream, default: OutgoingStream()].messages.isEmpty {
      turns.append(message.stream)
    }
    streams[message.stream, default: OutgoingStream()].messages.append(message)
  }

  /// Whether anything of `stream` is unsent or unacknowledged.
  func isBusy(_ stream: UInt16) -> Bool {
    current?.stream == stream || outstanding[stream] != nil
      || streams[stream]?.messages.isEmpty == false
  }

  /// Throws away what of `stream` has not begun.
  mutating func discardUnsent(_ stream: UInt16) {
    while let message = streams[stream]?.messages.popFirst() { bufferedBytes -= message.costBytes }
  }

  /// The stream starts again at 0.
  mutating func restart(_ stream: UInt16) {
    discardUnsent(stream)
    streams[stream] = nil
  }
}

/// Which chunk is next.
extension Outbound {
  /// The next chunk that the windows allow and that fits `room` bytes with its header; nil when
  /// there is none. It counts as sent.
  mutating func nextChunk(room: Int, isAloneInPacket: Bool, at now: Instant) -> ChunkToSend? {
    if waitingToRetransmit > 0 {
      guard flightBytes < window.bytes || mayRetransmitNow else { return nil }
      if let chunk = nextRetransmission(room: room, at: now) { return chunk }
      if waitingToRetransmit > 0 { return nil }
    }
    return nextNew(room: room, isAloneInPacket: isAloneInPacket, at: now)
  }

  /// The lowest first. A search goes on where the last one ended, so that what is looked at in all
  /// is no more than what is sent or found lost.
  private mutating func nextRetransmission(room: Int, at now: Instant) -> ChunkToSend? {
    while lossesFrom < ring.extent {
      let position = lossesFrom
      looksForLosses &+= 1
      guard let chunk = ring[position], chunk.state == .toRetransmit else {
        lossesFrom += 1
        continue
      }
      if isExpired(chunk, at: now) {
        lossesFrom += 1
        abandon(chunk.message)
        continue
      }
      guard ChunkToSend.headerBytes + chunk.count <= room else { return nil }
      waitingToRetransmit -= 1
      retransmissions &+= 1
      return send(position, at: now)
    }
    return nil
  }

  private mutating func nextNew(room: Int, isAloneInPacket: Bool, at now: Instant) -> ChunkToSend? {
    guard flightBytes < window.bytes, ring.extent < Self.windowChunks,
      let message = nextMessage(at: now)
    else { return nil }
    let rest = message.bytes.count - message.fragmentedBytes
    let space = room - ChunkToSend.headerBytes
    guard space >= rest || isAloneInPacket || space >= Self.fragmentBytesMin else { return nil }
    let count = min(rest, space)
    // With nothing in flight one chunk may probe a closed window (section 6.1, rule A).
    guard count > 0, count <= peerWindowBytes || flightBytes == 0 else { return nil }
    decayWhenIdle(at: now)
    begin(message)
    let chunk = OutgoingChunk(
      message: message, start: message.fragmentedBytes, count: count, state: .toRetransmit)
    message.fragmentedBytes += count
    if message.isFragmented { current = nil }
    append(chunk)
    return send(ring.extent - 1, at: now)
  }

  /// The message whose turn it is; those whose time is over are dropped on the way.
  private mutating func nextMessage(at now: Instant) -> OutgoingMessage? {
    if let message = current {
      if !isOverdue(message, at: now) { return message }
      abandon(message)
    }
    while let stream = turns.first {
      guard let message = streams[stream]?.messages.first else {
        _ = turns.popFirst()
        continue
      }
      guard message.deadline <= now else { return message }
      _ = streams[stream]?.messages.popFirst()
      bufferedBytes -= message.costBytes
      messagesAbandoned &+= 1
    }
    return nil
  }

  /// Takes the message out of its stream when its first chunk is made; the stream goes to the end
  /// of the row.
  private mutating func begin(_ message: OutgoingMessage) {
    guard current == nil, let stream = turns.popFirst() else { return }
    _ = streams[stream]?.messages.popFirst()
    if streams[stream]?.messages.isEmpty == false { turns.append(stream) }
    if !message.isUnordered {
      message.sequence = streams[stream]?.nextSequence ?? 0
      streams[stream]?.nextSequence &+= 1
    }
    current = message
  }

  /// Gives the chunk the next TSN.
  private mutating func append(_ chunk: OutgoingChunk) {
    chunk.message.chunksOutstanding += 1
    outstanding[chunk.message.stream, default: 0] += 1
    ring.put(chunk, at: ring.extent)
  }

  private mutating func send(_ position: Int, at now: Instant) -> ChunkToSend? {
    ring[position]?.state = .inFlight
    ring[position]?.transmissions &+= 1
    ring[position]?.misses = 0
    guard let chunk = ring[position] else { return nil }
    flightBytes += chunk.count
    peerWindowBytes = max(0, peerWindowBytes - chunk.count)
    lastSent = now
    let tsn = ring.base &+ UInt32(position)
    if chunk.transmissions == 1 {
      if timed == nil { timed = (tsn, now) }
    } else if timed?.tsn == tsn {
      timed = nil
    }
    let isLastWord = !hasUnsent && waitingToRetransmit == 0
    return ChunkToSend(
      tsn: tsn, flags: chunk.flags(immediately: isLastWord && chunk.isLast), chunk: chunk)
  }

  private mutating func decayWhenIdle(at now: Instant) {
    guard flightBytes == 0, let last = lastSent else { return }
    if now.milliseconds(since: last) > 1_000 { window.decay() }
  }
}

/// What the peer has, and what is lost.
extension Outbound {
  struct Acknowledgement {
    var isAdvance = false
    /// When the chunk was sent whose round trip this SACK measures.
    var timedFrom: Instant?
  }

  /// Takes a SACK's contents, of which the caller has made sure that they speak of what was sent.
  mutating func acknowledge(
    cumulativeTsn: UInt32, windowBytes: Int, gaps: [ClosedRange<Int>], at now: Instant
  ) -> Acknowledgement {
    var result = Acknowledgement()
    let flightBefore = flightBytes
    var ackedBytes = 0
    while !ring.isEmpty, !ring.base.isAfter(cumulativeTsn) {
      ackedBytes += removeFirst(&result)
      result.isAdvance = true
    }
    let highestNew = takeGaps(gaps, &ackedBytes, &result)
    peerWindowBytes = max(0, windowBytes - flightBytes)
    if result.isAdvance {
      window.acknowledge(
        bytes: ackedBytes, cumulativeTsn: cumulativeTsn,
        wasFull: flightBefore + Self.fragmentBytesMin >= window.bytes, isIdle: ring.isEmpty)
    }
    noteMisses(below: highestNew, advanced: result.isAdvance, gaps: gaps, at: now)
    noteReopening(windowBytes: windowBytes, advanced: result.isAdvance, at: now)
    if result.isAdvance, !ring.isEmpty, ring[0]?.state == .abandoned { isForwardTsnDue = true }
    return result
  }

  /// Takes the first chunk away for good and gives the bytes that this SACK is the first to name.
  private mutating func removeFirst(_ result: inout Acknowledgement) -> Int {
    noteTimed(tsn: ring.base, &result)
    guard let chunk = ring.removeFirst() else { return 0 }
    lossesFrom = max(0, lossesFrom - 1)
    let message = chunk.message
    message.chunksOutstanding -= 1
    let others = (outstanding[message.stream] ?? 1) - 1
    outstanding[message.stream] = others > 0 ? others : nil
    if message.isFragmented, message.chunksOutstanding == 0 { bufferedBytes -= message.costBytes }
    switch chunk.state {
    case .inFlight: flightBytes -= chunk.count
    case .toRetransmit: waitingToRetransmit -= 1
    case .acked, .abandoned: return 0
    }
    return chunk.count
  }

  private mutating func noteTimed(tsn: UInt32, _ result: inout Acknowledgement) {
    guard let measured = timed, measured.tsn == tsn else { return }
    result.timedFrom = measured.sent
    timed = nil
  }

  /// Marks what the gap blocks name, and takes back what an earlier SACK named and this does not.
  /// Gives the highest position that is named for the first time.
  private mutating func takeGaps(
    _ gaps: [ClosedRange<Int>], _ ackedBytes: inout Int, _ result: inout Acknowledgement
  ) -> Int? {
    var highest: Int?
    var block = 0
    for position in 0..<ring.extent {
      while block < gaps.count, gaps[block].upperBound < position { block += 1 }
      let isNamed = block < gaps.count && gaps[block].contains(position)
      guard let chunk = ring[position] else { continue }
      switch (chunk.state, isNamed) {
      case (.inFlight, true), (.toRetransmit, true):
        if chunk.state == .inFlight {
          flightBytes -= chunk.count
        } else {
          waitingToRetransmit -= 1
        }
        ring[position]?.state = .acked
        ackedBytes += chunk.count
        highest = position
        noteTimed(tsn: ring.base &+ UInt32(position), &result)
      case (.acked, false):
        ring[position]?.state = .inFlight
        ring[position]?.misses = 0
        flightBytes += chunk.count
      default: break
      }
    }
    return highest
  }

  /// Counts a miss for what is in flight below the highest newly acknowledged chunk, and for all
  /// that is reported missing while recovering; at three it is sent again (section 7.2.4).
  private mutating func noteMisses(
    below highest: Int?, advanced: Bool, gaps: [ClosedRange<Int>], at now: Instant
  ) {
    var limit = highest ?? 0
    if window.isRecovering, advanced { limit = max(limit, gaps.last?.lowerBound ?? 0) }
    var isLost = false
    for position in 0..<min(limit, ring.extent) {
      guard let chunk = ring[position], chunk.state == .inFlight else { continue }
      ring[position]?.misses += 1
      // Once for each chunk: what is lost again waits for the timer.
      guard chunk.misses == 2, chunk.transmissions == 1 else { continue }
      isLost = true
      markLost(position, chunk, at: now)
    }
    if isLost, window.enterRecovery(highestTsn: ring.end &- 1) { mayRetransmitNow = true }
  }

  /// A window that was closed and has opened without taking anything: what is in flight was refused
  /// meanwhile. Its timer has been backing off, so it goes again now.
  private mutating func noteReopening(windowBytes: Int, advanced: Bool, at now: Instant) {
    let isClosed = windowBytes < Self.fragmentBytesMin
    defer { peerWindowIsClosed = isClosed }
    guard peerWindowIsClosed, !isClosed, !advanced, flightBytes > 0 else { return }
    for position in 0..<ring.extent {
      guard let chunk = ring[position], chunk.state == .inFlight else { continue }
      markLost(position, chunk, at: now)
    }
    mayRetransmitNow = true
  }

  /// T3-rtx: everything in flight counts as lost.
  mutating func handleTimeout(at now: Instant) {
    window.collapse()
    timed = nil
    for position in 0..<ring.extent {
      guard let chunk = ring[position], chunk.state == .inFlight else { continue }
      markLost(position, chunk, at: now)
    }
    mayRetransmitNow = true
    isForwardTsnDue = true
  }

  private mutating func markLost(_ position: Int, _ chunk: OutgoingChunk, at now: Instant) {
    flightBytes -= chunk.count
    ring[position]?.state = .toRetransmit
    waitingToRetransmit += 1
    lossesFrom = min(lossesFrom, position)
    if timed?.tsn == ring.base &+ UInt32(position) { timed = nil }
    if isExpired(chunk, at: now) { abandon(chunk.message) }
  }
}

/// Messages that are given up (RFC 3758).
extension Outbound {
  private func isOverdue(_ message: OutgoingMessage, at now: Instant) -> Bool {
    canAbandon && message.deadline <= now
  }

  private func isExpired(_ chunk: OutgoingChunk, at now: Instant) -> Bool {
    guard canAbandon else { return false }
    if chunk.message.deadline <= now { return true }
    guard let limit = chunk.message.retransmissionsMax else { return false }
    return chunk.transmissions > limit
  }

  /// Gives all of `message` up. When it has begun and not ended, one TSN that is never sent stands
  /// for the rest, so that there is something to skip even when all that was sent has arrived.
  private mutating func abandon(_ message: OutgoingMessage) {
    guard !message.isAbandoned else { return }
    messagesAbandoned &+= 1
    isForwardTsnDue = true
    let isComplete = message.isFragmented
    message.isAbandoned = true
    for position in 0..<ring.extent {
      guard let chunk = ring[position], chunk.message === message else { continue }
      switch chunk.state {
      case .inFlight: flightBytes -= chunk.count
      case .toRetransmit: waitingToRetransmit -= 1
      case .acked, .abandoned: break
      }
      ring[position]?.state = .abandoned
      if timed?.tsn == ring.base &+ UInt32(position) { timed = nil }
    }
    guard !isComplete else { return }
    current = nil
    guard ring.extent < Self.windowChunks else { return }
    append(
      OutgoingChunk(message: message, start: message.fragmentedBytes, count: 0, state: .abandoned))
  }

  /// The body of a FORWARD TSN (RFC 3758, section 3.2) when something at the beginning is given
  /// up; nil when not. Names at most `streamsMax` streams and goes no further than they say.
  func forwardTsnBody(streamsMax: Int) -> [UInt8]? {
    var skipped: [(stream: UInt16, sequence: UInt16)] = []
    var last: Int?
    scan: for position in 0..<ring.extent {
      guard let chunk = ring[position], chunk.state == .abandoned || chunk.state == .acked else {
        break
      }
      guard chunk.state == .abandoned else { continue }
      let message = chunk.message
      if !message.isUnordered {
        if let index = skipped.firstIndex(where: { $0.stream == message.stream }) {
          skipped[index].sequence = message.sequence
        } else if skipped.count < streamsMax {
          skipped.append((message.stream, message.sequence))
        } else {
          break scan
        }
      }
      last = position
    }
    guard let last else { return nil }
    var body: [UInt8] = []
    body.append(u32: ring.base &+ UInt32(last))
    for (stream, sequence) in skipped {
      body.append(u16: stream)
      body.append(u16: sequence)
    }
    return body
  }
}
