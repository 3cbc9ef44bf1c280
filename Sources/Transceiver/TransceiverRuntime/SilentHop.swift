import Log
import Paths

/// Tells from losses that a hop between relays and this transceiver may drop long datagrams without
/// a word. Nobody else can: to both ends' kernels the way looks as long as their interfaces carry,
/// and a bundle that is lost takes seven calls' packets with it.
final class SilentHop: @unchecked Sendable {
  // @unchecked: used by one thread alone.
  private let paths: PathTable
  private let shards: [LossyCallCounts]
  private let log: Log
  private var turns = 0
  private var isTold = false

  /// Turns of a `PathWatch` in a look: five seconds.
  private static let turnsPerLook = 20

  init(_ paths: PathTable, _ shards: [LossyCallCounts], _ log: Log) {
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
    let speaking = shards.reduce(0) { $0 + $1.speaking }
    let lossy = shards.reduce(0) { $0 + $1.lossy }
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
