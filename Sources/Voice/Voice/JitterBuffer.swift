import Rtp
package import Wire

/// What became of a packet that was put into a `JitterBuffer`.
package enum JitterVerdict: UInt8, Hashable, Sendable, CaseIterable {
  case stored
  /// Only padding: its number is noted as received.
  case empty
  case duplicate
  /// Its turn is over.
  case late
  /// Not an Opus packet, or larger than one can be.
  case malformed
  /// Stored, after the stream had jumped and everything older was dropped.
  case restarted
}

/// Whether the sound is to be made a little shorter or longer, to come back on schedule.
package enum TimeAdjustment: UInt8, Hashable, Sendable {
  case none
  case shorten
  case stretch
}

/// What to do for the next piece of sound.
package enum JitterDecision: Hashable, Sendable {
  /// Decode `payload`; it is `units` long.
  case play(units: Int64, adjustment: TimeAdjustment, isDiscontinuous: Bool)
  /// A frame of `units` is missing and `payload`, the packet after it, may tell about it.
  case recover(units: Int64, hasRedundancy: Bool)
  /// Make up at most `units` from what came before.
  case conceal(units: Int64)
  /// The sender said nothing for `units`, or too much is missing to make it up.
  case pause(units: Int64)
  /// Nothing is to be heard now.
  case silence
}

/// Counts of a `JitterBuffer`, since its creation.
package struct JitterCounts: Hashable, Sendable {
  /// Packets with sound that got a place, the first of each stream included.
  package var stored: UInt64 = 0
  /// Packets of padding alone.
  package var empty: UInt64 = 0
  /// Packets whose number was waiting already; after its turn it counts as late.
  package var duplicate: UInt64 = 0
  /// Packets that came after their turn, or whose time made-up sound had filled.
  package var late: UInt64 = 0
  /// Packets that are not Opus, or have more than 1,276 bytes.
  package var malformed: UInt64 = 0
  /// Times that a stream began after the first: the numbers or the transit jumped, or the source.
  package var restarts: UInt64 = 0
  /// Stored packets that were never played because too much waited.
  package var skipped: UInt64 = 0

  /// All 0. A stream that begins anew does not reset them.
  package init() {}
}

/// Puts packets back in order and decides, piece by piece, what is heard (sans-IO, bounded).
///
/// Every packet has a moment at which it is due: its timestamp plus the transit of the quickest
/// packets plus a target that follows the jitter (`DelayEstimator`). While sound plays it simply
/// goes on; `TimeAdjustment` brings it back when it is off schedule. When nothing is left to play,
/// the buffer waits instead of skipping: a packet that comes late is still heard, since a word lost
/// costs a voice service more than a moment of delay, and the delay shrinks again afterwards.
///
/// A prompt one serves a listener without an ear, to whom when sound comes is nothing and how late
/// it comes is much: sound that is in order is due at once (`nextPrompt` has its rules).
///
/// Time inside is in units of the RTP clock (48 kHz). Memory is taken at creation only.
@safe package struct JitterBuffer: ~Copyable {
  /// Of all streams together. What another packet brought along is not among `stored`.
  package internal(set) var counts = JitterCounts()
  /// The packet of the last decision; valid until the next call.
  package var payload: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[0..<scratchCount])
  }

  struct Slot: BitwiseCopyable {
    var sequence: Int64 = -1
    var time: Int64 = 0
    var units: Int64 = 0
    /// When it came.
    var arrival: Int64 = 0
    var byteCount = 0
    var handle: UInt16 = 0
    var isDiscontinuous = false
    var hasRedundancy = false
    /// The number of a packet that is no sound: not missing, and that is all.
    var isOther = false
  }

  /// What has come in order is due at once.
  let isPrompt: Bool
  let slots: UnsafeMutableBufferPointer<Slot>
  private let scratch: UnsafeMutableRawBufferPointer
  private var scratchCount = 0
  private var pool = PacketPool()
  var estimator: DelayEstimator?

  /// The next number to play, and the highest that came; extended beyond 16 bits.
  var expected: Int64 = 0
  var highest: Int64 = 0
  /// The timestamp of the packet with the highest number, extended beyond 32 bits.
  var highestTime: Int64 = 0
  /// The time at which decoded sound ends.
  var end: Int64 = 0
  var hasPlayed = false
  /// Sound is playing; otherwise the next packet waits until it is due.
  var isAnchored = false
  var isDiscontinuous = false
  var concealedInRow = 0
  /// Pieces of sound since the last adjustment, and since the last quiet frame.
  var playedSinceAdjustment = 0
  var playedSinceQuiet = 0
  /// Held back on top of the target, while losses are frequent and there is a remedy: so much that
  /// the packet which tells about a lost one, or the lost one itself, is there when that is due.
  var redundancyUnits: Int64 = 0
  var lastLoss: Int64 = 0
  /// How long a hole is kept open, or a paced one holds back, for what was asked for again; 0 where
  /// nobody answers.
  var resendUnits: Int64 = 0
  /// What only a prompt one needs.
  var prompt = PromptState()

  /// 64 packets of 20 ms are 1.28 s; a power of two.
  private static let capacity = 64
  /// Beyond 100 ms made-up sound is noise; silence is better.
  static let concealedInRowMax = 5
  /// A jump of the numbers beyond this, or of the transit by a second, is a new stream.
  private static let sequenceJumpMax: Int64 = 1000
  private static let transitJumpMax: Int64 = 48_000
  /// Late by more than this: drop whole packets.
  private static let skipUnits: Int64 = 24_000
  /// Two losses within 10 s are frequent; 10 s without one are the end of it.
  static let lossMemoryUnits: Int64 = 480_000

  /// Takes all the memory: for 64 packets of 384 bytes, or 19 of the longest, 1,276 bytes.
  package init(isPrompt: Bool = false) {
    self.isPrompt = isPrompt
    unsafe slots = .allocate(capacity: Self.capacity)
    unsafe slots.initialize(repeating: Slot())
    unsafe scratch = .allocate(byteCount: PacketPool.payloadByteCountMax, alignment: 16)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe scratch.deallocate()
  }

  /// How long packets are held back beyond the quickest, in milliseconds.
  package var targetMilliseconds: Int {
    Int(((estimator?.targetUnits ?? 0) + redundancyUnits) / 48)
  }

  /// How much later than by the quickest packet sound is heard, in milliseconds; 0 while none
  /// flows.
  func delayMilliseconds(at now: Instant, pendingUnits: Int64) -> Int {
    guard let estimator, isAnchored else { return 0 }
    let arrival = Self.units(at: now)
    guard !isPrompt || isFlowing(at: arrival) else { return 0 }
    return Int((arrival - estimator.base - (end - pendingUnits)) / 48)
  }

  /// `now` on the clock that times are counted by.
  static func units(at now: Instant) -> Int64 {
    Int64(truncatingIfNeeded: MediaClock.units64(at: now, rate: 48_000))
  }
}

// MARK: Putting packets in

extension JitterBuffer {
  /// Takes the payload of an authenticated packet that arrived at `now`. One that was sent again
  /// (`isResent`) tells nothing of the network's order and timing.
  package mutating func insert(
    sequenceNumber: UInt16, timestamp: UInt32, payload: UnsafeRawBufferPointer,
    isResent: Bool = false, at now: Instant
  ) -> JitterVerdict {
    let verdict = unsafe place(
      sequenceNumber: sequenceNumber, timestamp: timestamp, payload: payload, isResent: isResent,
      arrival: Self.units(at: now))
    switch verdict {
    case .stored: counts.stored += 1
    case .empty: counts.empty += 1
    case .duplicate: counts.duplicate += 1
    case .late: counts.late += 1
    case .malformed: counts.malformed += 1
    case .restarted:
      counts.stored += 1
      counts.restarts += 1
    }
    return verdict
  }

  private mutating func place(
    sequenceNumber: UInt16, timestamp: UInt32, payload: UnsafeRawBufferPointer, isResent: Bool,
    arrival: Int64
  ) -> JitterVerdict {
    var slot = Slot()
    if payload.count > 0 {
      guard payload.count <= PacketPool.payloadByteCountMax,
        let packet = unsafe OpusPacket(payload)
      else { return .malformed }
      slot.units = packet.durationUnits
      slot.isDiscontinuous = packet.isDiscontinuous
      slot.hasRedundancy = packet.hasRedundancy
    }
    slot.byteCount = payload.count
    slot.isOther = payload.count == 0
    slot.arrival = arrival
    (slot.sequence, slot.time) = extend(sequenceNumber, timestamp)
    var verdict: JitterVerdict = payload.count > 0 ? .stored : .empty
    if isJump(slot, arrival: arrival) {
      restart(sequenceNumber, timestamp, arrival: arrival)
      (slot.sequence, slot.time) = extend(sequenceNumber, timestamp)
      if counts.stored > 0 { verdict = .restarted }
    }
    if payload.count > 0 { noteOrder(of: slot.sequence, isResent: isResent, at: arrival) }
    guard admits(slot.sequence) else { return .late }
    guard unsafe slots[index(slot.sequence)].sequence != slot.sequence else { return .duplicate }
    while pool.freeCount < PacketPool.blocks(for: slot.byteCount) { skipExpected() }
    guard slot.sequence >= expected else { return .late }
    unsafe store(slot, payload)
    // Padding is sent out of turn, to probe the path: it tells nothing about the voice's timing.
    if isResent { noteLoss(heldUnits: resendUnits, at: arrival) }
    if payload.count > 0, !isResent { estimator?.note(transit: arrival - slot.time, at: arrival) }
    return verdict
  }

  /// Takes the payload of a packet that another one, which came at `now`, has brought along. True
  /// when it was missing and its turn is not over: it never moves the stream, and tells nothing of
  /// the network's timing.
  package mutating func restore(
    sequenceNumber: UInt16, timestamp: UInt32, payload: UnsafeRawBufferPointer, at now: Instant
  ) -> Bool {
    guard estimator != nil, payload.count <= PacketPool.payloadByteCountMax,
      let packet = unsafe OpusPacket(payload)
    else { return false }
    var slot = Slot()
    (slot.sequence, slot.time) = extend(sequenceNumber, timestamp)
    guard slot.sequence >= expected, slot.sequence < highest,
      unsafe slots[index(slot.sequence)].sequence != slot.sequence,
      slot.time + packet.durationUnits <= highestTime,
      !isAnchored || slot.time + packet.durationUnits > end,
      pool.freeCount >= PacketPool.blocks(for: payload.count)
    else { return false }
    slot.units = packet.durationUnits
    slot.isDiscontinuous = packet.isDiscontinuous
    slot.hasRedundancy = packet.hasRedundancy
    slot.byteCount = payload.count
    slot.arrival = Self.units(at: now)
    unsafe store(slot, payload)
    noteLoss(heldUnits: frameUnits * min(highest - slot.sequence, 3), at: slot.arrival)
    return true
  }

  /// The number belongs to a packet that is not heard here, so no sound is missing with it.
  package mutating func noteUsed(_ sequenceNumber: UInt16) {
    guard estimator != nil else { return }
    // Its timestamp may mean something else: that of an event is when the event began.
    let (sequence, _) = extend(sequenceNumber, UInt32(truncatingIfNeeded: highestTime))
    guard abs(sequence - highest) <= Self.sequenceJumpMax, admits(sequence),
      unsafe slots[index(sequence)].sequence != sequence
    else { return }
    var slot = Slot()
    (slot.sequence, slot.time, slot.isOther) = (sequence, highestTime, true)
    if sequence > highest { prompt.isOtherNewest = true }
    unsafe store(slot, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// The number and the timestamp without their wraps, next to the highest that came.
  private func extend(_ sequenceNumber: UInt16, _ timestamp: UInt32) -> (Int64, Int64) {
    let step = Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest))
    let timeStep = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: highestTime))
    return (highest + Int64(step), highestTime + Int64(timeStep))
  }

  private func isJump(_ slot: Slot, arrival: Int64) -> Bool {
    guard let estimator else { return true }
    let lateness = arrival - slot.time - estimator.base
    return abs(slot.sequence - highest) > Self.sequenceJumpMax
      || lateness < -Self.transitJumpMax
      || lateness > (isPrompt ? PromptState.lateUnitsMax : Self.transitJumpMax)
  }

  /// Drops everything: the next packet begins a stream.
  package mutating func restart() {
    dropAll()
    estimator = nil
    prompt = PromptState()
  }

  private mutating func restart(_ sequenceNumber: UInt16, _ timestamp: UInt32, arrival: Int64) {
    dropAll()
    // A roll-over in front keeps the numbers of packets from before this one positive.
    highest = 1 << 16 | Int64(sequenceNumber)
    highestTime = 1 << 32 | Int64(timestamp)
    expected = highest
    estimator = DelayEstimator(transit: arrival - highestTime, at: arrival)
  }

  private mutating func dropAll() {
    for index in 0..<Self.capacity {
      let slot = unsafe slots[index]
      if slot.sequence >= 0, !slot.isOther { counts.skipped += 1 }
      clear(index)
    }
    hasPlayed = false
    redundancyUnits = 0
    lastLoss = 0
    isAnchored = false
    isDiscontinuous = false
    concealedInRow = Self.concealedInRowMax
    prompt.limitDebt()
  }

  /// Makes sure that `sequence` has a slot of its own; false when its turn is over.
  private mutating func admits(_ sequence: Int64) -> Bool {
    if !hasPlayed, sequence < expected, highest - sequence < Int64(Self.capacity) {
      expected = sequence
    }
    guard sequence >= expected else { return false }
    while sequence - expected >= Int64(Self.capacity) { skipExpected() }
    return true
  }

  private mutating func store(_ slot: Slot, _ payload: UnsafeRawBufferPointer) {
    var slot = slot
    if slot.byteCount > 0 { slot.handle = unsafe pool.store(payload) }
    unsafe slots[index(slot.sequence)] = slot
    guard slot.sequence > highest else { return }
    highest = slot.sequence
    highestTime = slot.time
  }

  private mutating func skipExpected() {
    let slot = unsafe slots[index(expected)]
    if slot.sequence == expected, !slot.isOther { counts.skipped += 1 }
    clear(index(expected))
    expected += 1
    // A prompt one has told its listener how far the sender has come.
    if !isPrompt { isAnchored = false }
  }

  func index(_ sequence: Int64) -> Int { Int(sequence) & (Self.capacity - 1) }

  private mutating func clear(_ index: Int) {
    let slot = unsafe slots[index]
    guard slot.sequence >= 0 else { return }
    pool.remove(slot.handle, byteCount: slot.byteCount)
    unsafe slots[index].sequence = -1
  }
}

// MARK: Taking sound out

extension JitterBuffer {
  /// Decides about the next piece of sound at `now`, while `pendingUnits` of decoded sound still
  /// wait to be heard.
  package mutating func next(at now: Instant, pendingUnits: Int64) -> JitterDecision {
    guard let estimator else { return .silence }
    if isPrompt { return nextPrompt(at: Self.units(at: now)) }
    let arrival = Self.units(at: now)
    // What is decided now is heard after what is pending.
    if arrival - lastLoss > Self.lossMemoryUnits { redundancyUnits = 0 }
    let due = estimator.scheduledTime(at: arrival) - redundancyUnits + pendingUnits
    while let slot = lowest() {
      if !isAnchored {
        guard slot.time <= due else { return wait() }
        if !isNext(slot) { noteLoss(heldUnits: heldUnits(for: slot), at: arrival) }
        anchor(at: slot)
      }
      let gap = slot.time - end
      if gap + slot.units <= 0 {
        // Its time has been filled with made-up sound.
        counts.late += 1
        finish(slot)
        continue
      }
      if gap >= 120 {
        if concealedInRow == 0, !isNext(slot) {
          noteLoss(heldUnits: heldUnits(for: slot), at: arrival)
        }
        return fill(gap, before: slot)
      }
      let held = estimator.targetUnits + redundancyUnits
      let excess = min(due - slot.time, bufferedUnits(from: slot) - held)
      if excess > Self.skipUnits {
        counts.skipped += 1
        finish(slot)
        end = slot.time + slot.units
        continue
      }
      return play(slot, excess: excess, isEarly: due - slot.time < -Self.earlyUnitsMax)
    }
    return wait()
  }

  /// The stored packet of sound with the lowest number.
  func lowest() -> Slot? {
    var sequence = expected
    while sequence <= highest {
      let slot = unsafe slots[index(sequence)]
      if slot.sequence == sequence, !slot.isOther { return slot }
      sequence += 1
    }
    return nil
  }

  /// Nothing is missing before `slot`, the lowest.
  func isNext(_ slot: Slot) -> Bool {
    var sequence = expected
    while sequence < slot.sequence {
      guard unsafe slots[index(sequence)].sequence == sequence else { return false }
      sequence += 1
    }
    return true
  }

  mutating func anchor(at slot: Slot) {
    isAnchored = true
    end = slot.time
    pass(to: slot.sequence)
  }

  /// Nothing can be played yet: made-up sound for a while, unless the sender said it would be
  /// silent.
  private mutating func wait() -> JitterDecision {
    isAnchored = false
    guard !isDiscontinuous, concealedInRow < Self.concealedInRowMax else { return .silence }
    concealedInRow += 1
    return .conceal(units: frameUnits)
  }

  /// A hole of `gap` before `slot`: lost packets, or a pause of the sender.
  private mutating func fill(_ gap: Int64, before slot: Slot) -> JitterDecision {
    guard !isNext(slot), concealedInRow < Self.concealedInRowMax else {
      concealedInRow = Self.concealedInRowMax
      isAnchored = false
      return .silence
    }
    let piece = min(gap, max(frameUnits, slot.units)) / 120 * 120
    end += piece
    concealedInRow += 1
    guard gap <= slot.units else { return .conceal(units: piece) }
    load(slot)
    return .recover(units: piece, hasRedundancy: slot.hasRedundancy)
  }

  mutating func play(
    _ slot: Slot, excess: Int64 = 0, isEarly: Bool = false
  ) -> JitterDecision {
    load(slot)
    let units = slot.units
    let isQuiet = slot.isDiscontinuous
    end = slot.time + units
    hasPlayed = true
    isDiscontinuous = isQuiet
    concealedInRow = 0
    finish(slot)
    return .play(
      units: units, adjustment: adjustment(excess: excess, isEarly: isEarly),
      isDiscontinuous: isQuiet)
  }

  /// Sound from `slot` to the newest packet.
  func bufferedUnits(from slot: Slot) -> Int64 {
    highestTime - slot.time + slot.units
  }

  mutating func load(_ slot: Slot) {
    unsafe pool.load(slot.handle, byteCount: slot.byteCount, into: scratch)
    scratchCount = slot.byteCount
  }

  mutating func finish(_ slot: Slot) {
    pass(to: slot.sequence + 1)
  }

  /// The turn of everything before `sequence` is over.
  private mutating func pass(to sequence: Int64) {
    while expected < sequence {
      if unsafe slots[index(expected)].sequence == expected { clear(index(expected)) }
      expected += 1
    }
  }
}
