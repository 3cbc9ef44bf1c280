import Wire

/// What a prompt `JitterBuffer` keeps beside its packets. Times are units of the RTP clock.
struct PromptState {
  /// Silence that was given out beyond the sender's sound: what comes late is heard after it, so it
  /// is a debt, and what turns out to have been a pause has paid it.
  var aheadUnits: Int64 = 0
  /// When sound came last.
  var lastArrival: Int64 = 0
  /// The newest number is no sound (a telephone event): the sender does not speak.
  var isOtherNewest = false
  /// When a packet last came after one with a higher number; nil when none has.
  private var lastReorder: Int64?
  /// By how much such packets came later, and a little more.
  private var reorderUnits = holeUnitsMin

  /// So long nothing is given while the next packet has merely not come.
  static let stallUnits: Int64 = 19_200
  /// Silence that may be given out before what comes late, and no more.
  static let debtUnitsMax: Int64 = 48_000
  /// Who is not heard for so long does not speak: time goes on without them.
  static let absenceUnits: Int64 = 144_000
  /// At most so much silence is given at once for a pause that nothing was given for.
  static let pauseUnitsMax: Int64 = 24_000
  /// Packets that come later than this are of another stream.
  static let lateUnitsMax: Int64 = 480_000
  /// A hole waits between these where packets have overtaken each other in the last half minute.
  private static let holeUnitsMin: Int64 = 2_880
  private static let holeUnitsMax: Int64 = 3_840
  private static let reorderMemoryUnits: Int64 = 1_440_000
  /// The grain of the clock by which holes are looked at.
  private static let reorderMarginUnits: Int64 = 480

  /// A packet came `delay` after one with a higher number.
  mutating func noteReorder(delay: Int64, at arrival: Int64) {
    if holeUnits(at: arrival) == 0 { reorderUnits = Self.holeUnitsMin }
    lastReorder = arrival
    reorderUnits = min(max(reorderUnits, delay + Self.reorderMarginUnits), Self.holeUnitsMax)
  }

  /// How long a hole waits for packets that were overtaken; 0 where none was lately.
  func holeUnits(at arrival: Int64) -> Int64 {
    guard let lastReorder, arrival - lastReorder < Self.reorderMemoryUnits else { return 0 }
    return reorderUnits
  }

  /// Silence that a pause did not pay for is a debt, up to a second of it.
  mutating func limitDebt() { aheadUnits = min(aheadUnits, Self.debtUnitsMax) }
}

/// The rules of a prompt buffer.
///
/// What is in order is heard at once. While the next packet has merely not come, nothing is given
/// for `stallUnits`, then silence at the pace of the clock, never made-up sound: what comes late is
/// heard all the same, and the silence is taken back from the next pause. A hole before a packet
/// that has come waits a little for those that were overtaken, and is then made up for as a whole.
/// So the sound that is given out keeps to the sender's clock: behind it by no more than a stall,
/// ahead of it by no more than the debt.
extension JitterBuffer {
  /// How much sound can be had at `now` without giving silence in advance, counted as far as
  /// `limit` at least when there is so much.
  func unitsReady(at now: Instant, limit: Int64) -> Int64 {
    let arrival = Self.units(at: now)
    guard let first = lowest(), isOpen(first, at: arrival) else { return 0 }
    let start = isAnchored ? firstUnpaid(before: first) : first.time
    var units: Int64 = 0
    var sequence = first.sequence
    while units < limit, sequence <= highest {
      let slot = unsafe slots[index(sequence)]
      guard slot.sequence == sequence else { break }
      if !slot.isOther { units = max(units, slot.time + slot.units - start) }
      sequence += 1
    }
    return units
  }

  /// Silence is to be given at `now`, while `pendingUnits` of decoded sound wait for the rest of
  /// their frame: nobody speaks, or nothing has come for long. Ask once in each 20 ms.
  func isSilenceDue(at now: Instant, pendingUnits: Int64) -> Bool {
    guard let estimator, isAnchored else { return true }
    guard lowest() == nil else { return false }
    let arrival = Self.units(at: now)
    let overdue = estimator.scheduledTime(at: arrival) + pendingUnits - end
    if isDiscontinuous || prompt.isOtherNewest { return overdue >= prompt.aheadUnits + frameUnits }
    let stalled = min(overdue, arrival - prompt.lastArrival)
    guard stalled >= PromptState.stallUnits else { return false }
    return prompt.aheadUnits < PromptState.debtUnitsMax || stalled >= PromptState.absenceUnits
  }

  /// `units` of silence were given that no packet accounts for.
  mutating func noteSilence(units: Int64) {
    guard isAnchored else { return }
    prompt.aheadUnits += units
    // What was said before it is too long ago to be spun out.
    concealedInRow = Self.concealedInRowMax
  }

  /// A quiet frame of `units` need not be given; true once for each that is owed.
  mutating func paysDebt(units: Int64) -> Bool {
    guard isPrompt, prompt.aheadUnits >= units else { return false }
    prompt.aheadUnits -= units
    return true
  }

  /// Silence that is to be taken back, in milliseconds: 0 while the sender pauses, as it may be
  /// what the pause was.
  var debtMilliseconds: Int {
    isDiscontinuous || prompt.isOtherNewest
      ? 0 : Int(min(prompt.aheadUnits, PromptState.debtUnitsMax) / 48)
  }

  /// Packets have overtaken each other lately.
  func isReordering(at now: Instant) -> Bool { prompt.holeUnits(at: Self.units(at: now)) > 0 }

  /// Something waits, or has come just now.
  func isFlowing(at arrival: Int64) -> Bool {
    lowest() != nil || arrival - prompt.lastArrival < 3 * frameUnits
  }

  /// A packet of sound came; whether others had overtaken it.
  mutating func noteOrder(of sequence: Int64, isResent: Bool, at arrival: Int64) {
    prompt.lastArrival = arrival
    if sequence > highest { prompt.isOtherNewest = false }
    guard sequence < highest, !isResent else { return }
    let delay = sequence >= expected ? arrival - firstArrival(after: sequence) : .max / 2
    prompt.noteReorder(delay: delay, at: arrival)
  }

  /// What is heard next, at `arrival`.
  mutating func nextPrompt(at arrival: Int64) -> JitterDecision {
    while let slot = lowest(), isOpen(slot, at: arrival) {
      if !isAnchored { anchor(at: slot) }
      settlePause(before: slot)
      let gap = slot.time - end
      if gap + slot.units <= 0 {
        // Its time has been filled with made-up sound.
        counts.late += 1
        finish(slot)
        continue
      }
      return gap >= 120 ? fillHole(gap, before: slot) : play(slot)
    }
    return .silence
  }

  /// It is the next, or has waited long enough for those before it.
  private func isOpen(_ slot: Slot, at arrival: Int64) -> Bool {
    guard isAnchored, let estimator, !isNext(slot) else { return true }
    let waited = arrival - firstArrival(after: expected - 1)
    guard waited >= max(prompt.holeUnits(at: arrival), resendUnits) else { return false }
    return waited >= PromptState.stallUnits
      || estimator.scheduledTime(at: arrival) - frameUnits >= end
  }

  /// When the first of the stored packets with a number above `sequence` came.
  private func firstArrival(after sequence: Int64) -> Int64 {
    var first = Int64.max
    var number = max(sequence + 1, expected)
    while number <= highest {
      let slot = unsafe slots[index(number)]
      if slot.sequence == number, !slot.isOther { first = min(first, slot.arrival) }
      number += 1
    }
    return first == .max ? prompt.lastArrival : first
  }

  /// Where the sound begins that was not given yet, silence that was given in advance counted.
  private func firstUnpaid(before slot: Slot) -> Int64 {
    guard slot.time > end, isSilent(before: slot) else { return end }
    return max(min(end + prompt.aheadUnits, slot.time), slot.time - PromptState.pauseUnitsMax)
  }

  /// Nothing is to be made up before `slot`: nothing is missing, or too much.
  private func isSilent(before slot: Slot) -> Bool {
    concealedInRow >= Self.concealedInRowMax || isNext(slot)
  }

  private mutating func settlePause(before slot: Slot) {
    let start = firstUnpaid(before: slot)
    prompt.aheadUnits -= min(prompt.aheadUnits, start - end)
    end = start
    prompt.limitDebt()
  }

  /// Fills a hole of `gap` before `slot`: lost packets, or a pause of the sender.
  private mutating func fillHole(_ gap: Int64, before slot: Slot) -> JitterDecision {
    let isLost = !isNext(slot)
    let piece = min(gap, max(frameUnits, slot.units)) / 120 * 120
    let mayRecover = gap <= slot.units
    if isLost, mayRecover && slot.hasRedundancy || concealedInRow < Self.concealedInRowMax {
      end += piece
      concealedInRow += 1
      guard mayRecover else { return .conceal(units: piece) }
      load(slot)
      return .recover(units: piece, hasRedundancy: slot.hasRedundancy)
    }
    concealedInRow = Self.concealedInRowMax
    let pause = min(gap, frameUnits)
    end += pause
    return .pause(units: pause)
  }
}
