import Log
import Paths
import Session
import Synchronization
import Token

/// How many of a shard's calls speak, and how many of these miss a tenth of their packets or more,
/// in the last few seconds. The shard's thread looks; any thread may read `counts`.
struct LossyCalls {
  final class Counts: Sendable {
    let speaking = Atomic<Int>(0)
    let lossy = Atomic<Int>(0)
  }

  let counts = Counts()
  private var before: [CallID: (received: UInt64, missing: Int64)] = [:]
  private var looks = 0

  private static let looksPerCount = 5
  /// Packets without which a call does not speak: two seconds of it.
  private static let packetsMin: Int64 = 100

  /// Once a second, with all calls that live.
  mutating func look(_ living: [(call: CallID, figures: SessionFigures)]) {
    looks += 1
    guard looks % Self.looksPerCount == 0 else { return }
    var speaking = 0
    var lossy = 0
    var now: [CallID: (received: UInt64, missing: Int64)] = [:]
    for (call, figures) in living {
      now[call] = (figures.rtpAccepted, figures.packetsLost)
      guard let past = before[call] else { continue }
      let received = Int64(clamping: figures.rtpAccepted &- past.received)
      let missing = max(0, figures.packetsLost - past.missing)
      guard received + missing >= Self.packetsMin else { continue }
      speaking += 1
      if missing * 9 >= received { lossy += 1 }
    }
    before = now
    counts.speaking.store(speaking, ordering: .relaxed)
    counts.lossy.store(lossy, ordering: .relaxed)
  }
}

/// Tells from losses that a hop between relays and this transceiver may drop long datagrams without
/// a word. Nobody else can: to both ends' kernels the way looks as long as their interfaces carry,
/// and a bundle that is lost takes seven calls' packets with it.
final class SilentHop: @unchecked Sendable {
  // @unchecked: used by one thread alone.
  private let paths: PathTable
  private let shards: [LossyCalls.Counts]
  private let log: Log
  private var turns = 0
  private var isTold = false

  /// Turns of a `PathWatch` in a look: five seconds.
  private static let turnsPerLook = 20

  init(_ paths: PathTable, _ shards: [LossyCalls.Counts], _ log: Log) {
    self.paths = paths
    self.shards = shards
    self.log = log
  }

  /// Whether the losses are such: of many calls at once, most of those that speak, and nothing came
  /// that was as long as a full bundle. Losses on clients' own ways are few calls'.
  static func isSuspected(speaking: Int, lossy: Int, longest: Int) -> Bool {
    lossy >= 5 && 2 * lossy >= speaking && longest > 0 && longest < PathSize.usual
  }

  /// Once a turn of the thread that watches the ways.
  @Sendable func look() {
    turns += 1
    guard turns % Self.turnsPerLook == 0, !isTold else { return }
    let speaking = shards.reduce(0) { $0 + $1.speaking.load(ordering: .relaxed) }
    let lossy = shards.reduce(0) { $0 + $1.lossy.load(ordering: .relaxed) }
    let longest = paths.takeLongestArrival()
    guard Self.isSuspected(speaking: speaking, lossy: lossy, longest: longest) else { return }
    isTold = true
    log.warning(
      "most calls miss packets and no full trunk datagram came: a hop between relay and "
        + "transceiver may drop long ones without saying so",
      [
        "calls": .number(lossy), "of": .number(speaking), "longest": .number(longest),
        "remedy": .text(
          "a greater MTU on the way; or --bundle-bytes 1200 (what the way carries, less 28 bytes "
            + "for IPv4, 48 for IPv6) at relays and transceivers"),
      ])
  }
}
