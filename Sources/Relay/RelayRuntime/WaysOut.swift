import Paths
import RelayCore
import Token
import Trunk

/// What one worker knows of the ways to its transceivers. On the worker's thread.
struct WaysOut: ~Copyable {
  /// Sends anew what a way did not carry.
  let rebuilder: TrunkRebuilder
  private let paths: PathView
  /// The place in the table of each transceiver, in their order.
  private let places: [Int]
  /// The table's generation that was adopted last.
  private var adopted: UInt64 = 0

  /// Asks the kernel for the ways that nobody has asked for yet.
  init(_ plan: WorkerPlan) {
    let paths = plan.paths.view
    self.paths = paths
    places = plan.transceivers.map { paths.findOrAdd($0.address) }
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
    for (place, index) in places.enumerated() {
      core.setWay(
        bundleBytes: paths.bundleBytes(at: index), wholeBytes: paths.wholeBytes(at: index),
        for: place)
    }
  }
}
