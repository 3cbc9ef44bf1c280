import Paths
import RelayCore
import Token
import Trunk

/// What one worker knows of the ways to its transceivers. On the worker's thread.
struct WaysOut: ~Copyable {
  /// Sends anew what a way did not carry.
  let rebuilder: TrunkRebuilder
  private let paths: PathView
  /// The way of each transceiver in that table, by its place in the directory; -1 for one that is
  /// away.
  private let wayOfPlace: [Int]
  /// The table's generation that was adopted last.
  private var adopted: UInt64 = 0

  /// Asks the kernel for the ways that nobody has asked for yet.
  init(_ plan: WorkerPlan) {
    let paths = plan.paths.view
    self.paths = paths
    wayOfPlace = plan.places.entries.map { $0.map { paths.findOrAdd($0.address) } ?? -1 }
    rebuilder = TrunkRebuilder(
      bytesMax: plan.configuration.trunkDatagramBytesMax,
      key: plan.signsTrunk ? TrunkKey(plan.keys.trunk) : nil, paths)
  }

  /// Whether a way has changed since the last `adopt`.
  @inline(__always)
  var haveChanged: Bool { paths.generation != adopted }

  /// Has the worker make datagrams as the ways carry them. Rare.
  mutating func adopt(into core: inout RelayWorker) {
    adopted = paths.generation
    for (place, index) in wayOfPlace.enumerated() {
      core.setWay(
        bundleBytes: paths.bundleBytes(at: index), wholeBytes: paths.wholeBytes(at: index),
        for: place)
    }
  }
}
