import Wire

/// How a paced buffer comes back on schedule.
extension JitterBuffer {
  /// Off schedule by more than this: adjust. Late costs delay, early risks a gap.
  private static let lateUnitsMax: Int64 = 720
  /// Later than this, adjust more often.
  private static let veryLateUnits: Int64 = 2_880
  static let earlyUnitsMax: Int64 = 288
  /// Pieces of sound between two adjustments, in haste and without.
  private static let piecesBetweenAdjustments = 3
  private static let piecesBetweenRareAdjustments = 50
  /// Without a quiet frame in so many pieces there is no pause to wait for.
  private static let piecesWithoutQuiet = 100

  /// A packet was lost that has come, or might have, had sound been held back for `heldUnits` more.
  mutating func noteLoss(heldUnits: Int64, at arrival: Int64) {
    guard !isPrompt, hasPlayed, heldUnits > 0 else { return }
    if lastLoss > 0, arrival - lastLoss < Self.lossMemoryUnits {
      redundancyUnits = max(redundancyUnits, heldUnits)
    }
    lastLoss = arrival
  }

  /// What would help against losses before `slot`.
  func heldUnits(for slot: Slot) -> Int64 {
    max(slot.hasRedundancy ? frameUnits : 0, resendUnits)
  }

  /// To scale time is the last resort: it is heard, where a quiet frame left out is not.
  mutating func adjustment(excess: Int64, isEarly: Bool) -> TimeAdjustment {
    playedSinceAdjustment += 1
    playedSinceQuiet += 1
    let isHasty = isEarly || excess > Self.veryLateUnits
    let pause = isHasty ? Self.piecesBetweenAdjustments : Self.piecesBetweenRareAdjustments
    guard playedSinceAdjustment > pause else { return .none }
    let isLate = excess > Self.lateUnitsMax && playedSinceQuiet > Self.piecesWithoutQuiet
    guard isEarly || isLate else { return .none }
    playedSinceAdjustment = 0
    return isEarly ? .stretch : .shorten
  }

  /// A quiet frame has been decoded; whether to leave it out, because at `now` one too much waits
  /// and the next is there. A little less than a whole one will do: what is as little early plays
  /// as it is, and each stall would leave half a frame of delay behind.
  mutating func spareQuietFrame(at now: Instant, pendingUnits: Int64) -> Bool {
    playedSinceQuiet = 0
    guard let estimator, isAnchored, let slot = lowest(), isNext(slot), slot.time - end < 120 else {
      return false
    }
    let held = estimator.targetUnits + redundancyUnits
    let due = estimator.scheduledTime(at: Self.units(at: now)) - redundancyUnits + pendingUnits
    return min(due - slot.time, bufferedUnits(from: slot) - held)
      >= frameUnits - Self.earlyUnitsMax
  }
}
