package import Rtp
package import Wire

/// Decides how our voice is encoded, from what is known of the network. Sans-IO.
///
/// Told by the best that a client offers: feedback on each packet (transport-cc), else requests to
/// send again, else receiver reports. On a good network `celt` at full rate; where packets get lost
/// each carries something of the one before it; where they get lost in rows, which that does not
/// help, what does come is made better; where the path is narrow, longer packets and fewer bits. A
/// change between Opus's coders waits for a pause, a second at most.
@safe package struct EncoderControl: ~Copyable {
  private let limits: OpusSettings
  /// The client takes packets that repeat the one before (RFC 2198).
  private let takesCopies: Bool
  /// The client is asked to tell of each packet.
  private let wantsFeedback: Bool
  private let overheadByteCount: Int
  private var sent = SentPackets()
  private var losses = LossMeter()
  private var queue = QueueMeter()
  private var ladder: RateLadder

  /// The first good news have come: the full rate may be tried.
  private var hasGoodNews = false
  /// Packets of sound that are known to have come; those of a pause try no path.
  private var soundPackets = 0
  private var lastFeedback: Instant?
  /// Numbers from here, as far as the feedback before told, are not counted yet.
  private var unsettled: UInt16?
  private var unsettledEnd: UInt16 = 0
  private var lastMessage: UInt8?
  private var lastRequest: Instant?
  private var quickestRoundTrip = RecentMinimum(window: 30_000)
  private var lastReported: UInt32?
  /// Until then losses are those of a queue that was too long.
  private var congestedUntil = Instant(nanoseconds: 0)

  /// More than a good network gets is sent: copies, or more bits.
  private var spendsMore = false
  /// That made a queue, and is left out until then.
  private var spendingRestsUntil = Instant(nanoseconds: 0)
  private var spendingRests: UInt64 = 0

  private var plan = EncodingPlan()
  private var protects = false
  private var changeWantedSince: Instant?
  /// From `celt` to `silk` and back, each way counted, since creation.
  package private(set) var coderChanges: UInt64 = 0

  /// A receiver that told of each packet, or asked for some, lately does so: its reports, which
  /// tell less, need not be looked at.
  private static let memoryMilliseconds: UInt64 = 5_000
  private static let silenceMilliseconds: UInt64 = 30_000
  /// Protection stays for so long after the last loss.
  private static let protectionMilliseconds: UInt64 = 20_000
  /// From so much loss on `silk` is worth its price.
  private static let silkLossPercent = 3.0
  private static let silkLossesMin = 4
  private static let coderChangeMilliseconds: UInt64 = 1_000
  /// A round trip that rises by so much with the losses is a queue.
  private static let roundTripRiseMicroseconds: Int64 = 100_000
  private static let congestionMilliseconds: UInt64 = 3_000
  private static let spendingRestMilliseconds: UInt64 = 60_000
  /// The rest is twice as long after each, so often.
  private static let spendingRestDoublingsMax: UInt64 = 2
  /// Less than this is too little for a voice that is sent twice.
  private static let copyBitsPerSecondMin: Int32 = 20_000
  /// Headers of RFC 2198, in bits per second.
  private static let copyHeadBitsPerSecond: Int32 = 2_000
  /// A second: a path that is only just too narrow shows its queue by then.
  private static let packetsOfGoodNews = 25
  /// The same of a report.
  private static let millisecondsOfGoodNews = 400

  /// - Parameter overheadByteCount: what a packet takes beside Opus, the IP header included.
  package init(
    _ limits: OpusSettings, takesCopies: Bool, wantsFeedback: Bool, overheadByteCount: Int
  ) {
    self.limits = limits
    self.wantsFeedback = wantsFeedback
    self.overheadByteCount = overheadByteCount
    self.takesCopies = takesCopies
    ladder = RateLadder(limits, overheadByteCount: overheadByteCount)
  }

  /// The transport-wide number of the next packet, modulo 2^16.
  package var nextTransportNumber: UInt16 { sent.nextNumber }
  /// Times that the path was found too narrow, by its queue or by loss with a longer round trip.
  package var narrowings: UInt64 { ladder.narrowings }
  /// Lost of the last ten seconds, in per cent.
  package func lossPercent(at now: Instant) -> Double {
    losses.percent(seconds: 10, at: now).percent
  }

  /// A packet with `nextTransportNumber`, or without one in a call that has none, is sent.
  /// `byteCount` is what it takes on the wire.
  package mutating func noteSent(sequenceNumber: UInt16, byteCount: Int, at now: Instant) {
    sent.note(sequenceNumber: sequenceNumber, byteCount: byteCount, at: now)
    if asksForPackets(at: now), !hasFeedback(at: now) { losses.noteTold(1, at: now) }
  }
}

// MARK: What is told of the network

extension EncoderControl {
  /// Feedback on each packet.
  package mutating func note(_ feedback: TransportFeedback, of bytes: RawSpan, at now: Instant) {
    lastFeedback = now
    let isCongested = now < congestedUntil
    var told = 0
    var missing = 0
    var last: UInt16?
    let skipped = noteSkipped(before: feedback)
    feedback.forEach(of: bytes) { number, arrival in
      guard let packet = sent[number] else { return }
      last = number
      switch (packet.fate, arrival) {
      case (.unknown, let arrival?):
        told += 1
        noteArrival(packet, at: arrival)
      case (.unknown, nil):
        told += 1
        missing += 1
        sent.set(.missing, for: number)
      case (.missing, let arrival?): noteArrival(packet, at: arrival)
      case (.lost, let arrival?):
        // Later than anybody would have waited, but no loss.
        if !isCongested { losses.noteLate(at: now) }
        noteArrival(packet, at: arrival)
      case (.resent, let arrival?) where !isResent(packet, arrival):
        // It was asked for because it came behind others.
        if isSettled(number), !isCongested { losses.noteLate(at: now) }
        noteArrival(packet, at: arrival)
      case (.arrived, _), (.resent, _), (.missing, nil), (.lost, nil): break
      }
    }
    settle(isCongested: isCongested, at: now)
    // A feedback may come after one that tells of later packets.
    if let last, Int16(bitPattern: last &+ 1 &- unsettledEnd) > 0 { unsettledEnd = last &+ 1 }
    if !isCongested { losses.noteTold(told + skipped, at: now) }
    judgeQueue(at: now)
    let isClean = missing + skipped == 0 && queue.standingMilliseconds(tenths: 3) ?? 0 < 20
    if isClean, soundPackets >= Self.packetsOfGoodNews { hasGoodNews = true }
  }

  /// Pion tells nothing of packets that were lost between two messages: their numbers are skipped.
  /// Gives how many; none where a message was lost itself.
  private mutating func noteSkipped(before feedback: TransportFeedback) -> Int {
    defer { lastMessage = feedback.messageNumber }
    guard let lastMessage, lastMessage &+ 1 == feedback.messageNumber else { return 0 }
    var skipped = 0
    var number = unsettledEnd
    while Int16(bitPattern: feedback.firstNumber &- number) > 0, let packet = sent[number] {
      if packet.fate == .unknown {
        sent.set(.missing, for: number)
        skipped += 1
      }
      number &+= 1
    }
    return skipped
  }

  /// What was missing by the feedback before and has not come by this one is lost.
  private mutating func settle(isCongested: Bool, at now: Instant) {
    var number = unsettled ?? unsettledEnd
    while number != unsettledEnd, let packet = sent[number] {
      if packet.fate == .missing || packet.fate == .resent {
        if packet.fate == .missing { sent.set(.lost, for: number) }
        if !isCongested { losses.noteLost(number: number, at: now) }
      }
      number &+= 1
    }
    unsettled = unsettledEnd
  }

  private mutating func judgeQueue(at now: Instant) {
    if spendsMore, ladder.isOverfull(queue) { return restSpending(at: now) }
    let before = ladder.place
    ladder.judge(queue, isStart: !hasGoodNews, at: now)
    guard ladder.place > before else { return }
    congestedUntil = now.advanced(byMilliseconds: Self.congestionMilliseconds)
  }

  private mutating func restSpending(at now: Instant) {
    let doublings = min(spendingRests, Self.spendingRestDoublingsMax)
    spendingRestsUntil = now.advanced(
      byMilliseconds: Self.spendingRestMilliseconds << doublings)
    spendingRests += 1
    spendsMore = false
    congestedUntil = now.advanced(byMilliseconds: Self.congestionMilliseconds)
    ladder.wait(at: now)
  }

  /// Less than this is a sign of life in a pause, or as good as nothing.
  private var soundByteCountMin: Int {
    min(120, overheadByteCount + Int(plan.bitsPerSecond) * plan.packetMilliseconds / 16_000)
  }

  private mutating func noteArrival(_ packet: SentPackets.Packet, at arrival: Int64) {
    sent.set(.arrived, for: packet.number)
    if packet.byteCount >= soundByteCountMin { soundPackets += 1 }
    queue.note(
      packet.number, sent: Int64(packet.sent.nanoseconds / 1_000), arrival: arrival,
      byteCount: Int(packet.byteCount))
  }

  /// Whether it is counted already, if it is missing.
  private func isSettled(_ number: UInt16) -> Bool {
    unsettled.map { Int16(bitPattern: $0 &- number) > 0 } ?? false
  }

  /// Whether what came was sent for the second time, by the quickest that any packet was.
  private func isResent(_ packet: SentPackets.Packet, _ arrival: Int64) -> Bool {
    guard let quickest = queue.quickestMicroseconds else { return true }
    let again = packet.sent.advanced(byMilliseconds: UInt64(packet.resentAfterMilliseconds))
    return arrival - Int64(again.nanoseconds / 1_000) >= quickest
  }

  /// The client asks for a packet that it misses, for the first time.
  package mutating func noteRequest(sequenceNumber: UInt16, at now: Instant) {
    sent.noteResent(sequenceNumber: sequenceNumber, at: now)
    guard !hasFeedback(at: now) else { return }
    lastRequest = now
    losses.noteLost(number: sequenceNumber, at: now)
  }

  /// A receiver report on our voice (RFC 3550, section 6.4.1), and the round trip that it showed,
  /// in microseconds, when it showed one.
  package mutating func note(
    _ block: ReportBlock, roundTripMicroseconds: UInt64?, at now: Instant
  ) {
    defer { lastReported = block.highestSequence }
    guard !hasFeedback(at: now) else { return }
    let expected = Int(block.highestSequence &- (lastReported ?? block.highestSequence))
    guard lastReported != nil, expected < 1 << 15 else { return }
    let lost = (expected * Int(block.fractionLost) + 128) / 256
    let hasRisen = hasRisen(roundTripMicroseconds, at: now)
    if hasRisen && lost > 0 {
      if spendsMore { restSpending(at: now) } else { ladder.narrowBlindly(at: now) }
    } else {
      // Who asks for packets tells more by that.
      if !asksForPackets(at: now) {
        losses.noteTold(expected, at: now)
        losses.noteLost(count: lost, at: now)
      }
      let milliseconds = expected * rung.packetMilliseconds
      if !hasRisen, lost == 0, milliseconds >= Self.millisecondsOfGoodNews, !tellsPackets(at: now) {
        hasGoodNews = true
        ladder.widenBlindly(at: now)
      }
    }
  }

  private mutating func hasRisen(_ roundTrip: UInt64?, at now: Instant) -> Bool {
    guard let roundTrip = roundTrip.map(Int64.init(clamping:)) else { return false }
    quickestRoundTrip.note(roundTrip, at: Int64(clamping: now.nanoseconds / 1_000_000))
    return roundTrip - (quickestRoundTrip.value ?? roundTrip) > Self.roundTripRiseMicroseconds
  }

  /// It tells of each packet, even where nothing has come of that for a while.
  private func tellsPackets(at now: Instant) -> Bool {
    lastFeedback.map { now.milliseconds(since: $0) < Self.silenceMilliseconds } ?? false
  }

  private func hasFeedback(at now: Instant) -> Bool {
    lastFeedback.map { now.milliseconds(since: $0) < Self.memoryMilliseconds } ?? false
  }

  private func asksForPackets(at now: Instant) -> Bool {
    lastRequest.map { now.milliseconds(since: $0) < 2 * Self.memoryMilliseconds } ?? false
  }
}

// MARK: What to do

extension EncoderControl {
  /// Nothing good was heard of the path yet, nor anything bad.
  package var isBeginning: Bool { !hasGoodNews && ladder.isFull }

  /// How the next packet is to be made; `isPause` says that its sound is quiet.
  package mutating func plan(
    at now: Instant, isPause: Bool, budget: inout EncodingBudget
  ) -> EncodingPlan {
    let loss = losses.percent(seconds: 10, at: now).percent
    let isLossy = isLossy(at: now)
    let hasRows = isLossy && losses.isBursty(at: now)
    protects = isLossy && !hasRows
    let needsSilk = protects && isSilkWanted(loss, at: now)
    change(to: needsSilk || isNarrow ? .silk : .celt, isPause: isPause, at: now, &budget)
    plan.packetMilliseconds = rung.packetMilliseconds
    plan.carriesCopy = protects && mayCopy(at: now)
    let wantsMore = hasRows && plan.coder == .celt
    plan.bitsPerSecond = wantsMore && maySpend(at: now) ? bitsPerSecondInRows : bitsPerSecond()
    spendsMore = plan.carriesCopy || plan.bitsPerSecond > rung.bitsPerSecond
    plan.lossPercent = lossToPrepareFor(loss)
    plan.complexity = plan.coder == .silk ? budget.silkComplexity : 5
    return plan
  }

  private func isLossy(at now: Instant) -> Bool {
    losses.lastLoss.map { now.milliseconds(since: $0) < Self.protectionMilliseconds } ?? false
  }

  /// Below 48 kbit/s `silk` sounds better.
  private var isNarrow: Bool {
    (hasGoodNews || !ladder.isFull) && ladder.rung.bitsPerSecond <= 40_000
  }

  /// What the path is thought to carry.
  private var rung: RateLadder.Rung {
    guard isBeginning else { return ladder.rung }
    var start = ladder.startRung
    start.bitsPerSecond = min(ladder.rung.bitsPerSecond, 32_000)
    if !wantsFeedback { start.packetMilliseconds = ladder.rung.packetMilliseconds }
    return start
  }

  private func isSilkWanted(_ loss: Double, at now: Instant) -> Bool {
    guard limits.usesForwardErrorCorrection || takesCopies else { return false }
    if plan.coder == .silk { return true }
    let recent = losses.percent(seconds: 3, at: now)
    return loss >= Self.silkLossPercent
      || recent.lost >= Self.silkLossesMin && recent.percent >= Self.silkLossPercent
  }

  private mutating func change(
    to coder: EncodingPlan.Coder, isPause: Bool, at now: Instant, _ budget: inout EncodingBudget
  ) {
    guard coder != plan.coder else {
      changeWantedSince = nil
      return
    }
    let since = changeWantedSince ?? now
    changeWantedSince = since
    guard isPause || now.milliseconds(since: since) >= Self.coderChangeMilliseconds else { return }
    if coder == .silk {
      guard budget.takeSilkChange() else { return }
    }
    plan.coder = coder
    coderChanges += 1
    changeWantedSince = nil
  }

  private func maySpend(at now: Instant) -> Bool {
    ladder.isFull && !ladder.isTrying && hasGoodNews && now >= spendingRestsUntil
  }

  private func mayCopy(at now: Instant) -> Bool {
    takesCopies && maySpend(at: now) && copyBitsPerSecondMax >= Self.copyBitsPerSecondMin
  }

  /// What the client wants of Opus at most, copies and their heads included.
  private var wantedBitsPerSecondMax: Int32 {
    let headers = ladder.wireBitsPerSecond(rung) - Int(rung.bitsPerSecond)
    let wire = limits.wireBitsPerSecondMax.map { $0 - Int32(clamping: headers) } ?? .max
    return min(limits.bitsPerSecondMax, wire)
  }

  /// With a copy beside it, Opus has half of what the client wants at most.
  private var copyBitsPerSecondMax: Int32 {
    (wantedBitsPerSecondMax - Self.copyHeadBitsPerSecond) / 2
  }

  private var bitsPerSecondInRows: Int32 {
    let full = rung.bitsPerSecond
    return max(full, min(limits.bitsPerSecondInRows, wantedBitsPerSecondMax))
  }

  private func bitsPerSecond() -> Int32 {
    let full = rung.bitsPerSecond
    if plan.carriesCopy {
      return min(plan.coder == .celt ? full : min(full, 36_000), copyBitsPerSecondMax)
    }
    return plan.coder == .celt ? full : min(full, 40_000)
  }

  /// What the copies do not restore is left to the in-band redundancy.
  private func lossToPrepareFor(_ loss: Double) -> Int32 {
    guard plan.coder == .silk, protects, limits.usesForwardErrorCorrection else { return 0 }
    let left = plan.carriesCopy ? loss * loss / 100 : loss
    // With few bits libopus gives some of them up to redundancy only from six per cent on.
    let least = plan.bitsPerSecond < 36_000 ? 6.0 : 1
    return Int32(min(max(left.rounded(.up), least), 30))
  }
}
