@testable import Voice

/// The sound that a receiver has given out, beside the sender's clock.
struct SoundLedger {
  private var first: UInt32?
  private var senderUnits: Int64 = 0
  private var givenUnits: Int64 = 0
  private(set) var leadMillisecondsMin = 0
  private(set) var leadMillisecondsMax = 0
  /// By how much more than the debt the sound was ever ahead.
  private(set) var unowedMillisecondsMax = 0
  private(set) var debtMillisecondsMax = 0

  /// A packet of 20 ms came.
  mutating func noteArrived(timestamp: UInt32) {
    if first == nil { first = timestamp }
    let start = Int64(Int32(bitPattern: timestamp &- first!))
    senderUnits = max(senderUnits, start + frameUnits)
  }

  /// A frame was given out.
  mutating func noteGiven() {
    if first != nil { givenUnits += frameUnits }
  }

  /// Given out minus the newest that has come.
  var leadMilliseconds: Int { Int((givenUnits - senderUnits) / 48) }

  mutating func check(debtMilliseconds: Int) {
    guard first != nil else { return }
    leadMillisecondsMin = min(leadMillisecondsMin, leadMilliseconds)
    leadMillisecondsMax = max(leadMillisecondsMax, leadMilliseconds)
    unowedMillisecondsMax = max(unowedMillisecondsMax, leadMilliseconds - debtMilliseconds)
    debtMillisecondsMax = max(debtMillisecondsMax, debtMilliseconds)
  }
}
