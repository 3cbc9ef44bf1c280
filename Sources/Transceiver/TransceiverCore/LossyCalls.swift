import Session
import Token

/// How many of a shard's calls speak, and how many of these miss a tenth of their packets or more,
/// in the last few seconds.
struct LossyCalls {
  private var before: [CallID: (received: UInt64, missing: Int64)] = [:]
  private var looks = 0

  private static let looksPerCount = 5
  /// Packets without which a call does not speak: two seconds of it.
  private static let packetsMin: Int64 = 100

  /// Once a second, with all calls that live; now and then it knows new counts.
  mutating func look(
    _ living: [(call: CallID, figures: SessionFigures)]
  ) -> (speaking: Int, lossy: Int)? {
    looks += 1
    guard looks % Self.looksPerCount == 0 else { return nil }
    var counts = (speaking: 0, lossy: 0)
    var now: [CallID: (received: UInt64, missing: Int64)] = [:]
    for (call, figures) in living {
      now[call] = (figures.rtpAccepted, figures.packetsLost)
      guard let past = before[call] else { continue }
      let received = Int64(clamping: figures.rtpAccepted &- past.received)
      let missing = max(0, figures.packetsLost - past.missing)
      guard received + missing >= Self.packetsMin else { continue }
      counts.speaking += 1
      if missing * 9 >= received { counts.lossy += 1 }
    }
    before = now
    return counts
  }
}
