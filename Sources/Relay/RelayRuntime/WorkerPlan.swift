import Paths
import RelayCore
import Token

/// What a worker is to be. Its thread makes it, so that its memory is near the CPU that it runs on.
struct WorkerPlan: Sendable {
  /// The worker's number, from 0.
  let number: Int
  /// The CPU to run on, or -1 for any.
  let cpu: Int
  /// The NUMA node for the datagrams' memory, or -1 for any.
  let node: Int
  /// One socket of each of the configuration's listeners, in their order; the worker's loop owns it
  /// and closes it.
  let listeners: [Int32]
  /// The same for the trunk.
  let trunk: Int32
  let configuration: WorkerConfiguration
  /// The transceivers that the worker begins with.
  let places: TransceiverPlaces
  let keys: RoutingKeys
  let signsTrunk: Bool
  /// Whether datagrams for clients leave as frames, by the interface's queue of this number.
  let sendsFrames: Bool
  /// What the ways to the transceivers carry; outlives the worker.
  let paths: PathTable
  let busyPollMicroseconds: Int
  let bundleWaitMicroseconds: Int

  init(
    _ options: RelayOptions, number: Int, _ placement: Placement, listeners: [Int32], trunk: Int32,
    _ places: TransceiverPlaces, _ paths: PathTable
  ) {
    self.number = number
    cpu = placement.cpu(of: number)
    node = placement.node(of: number)
    self.listeners = listeners
    self.trunk = trunk
    configuration = options.workerConfiguration
    precondition(listeners.count == configuration.listeners.count, "a socket for each listener")
    self.places = places
    keys = options.keys
    signsTrunk = options.signsTrunk
    sendsFrames = options.transmit == .frames
    self.paths = paths
    busyPollMicroseconds = options.busyPollMicroseconds
    bundleWaitMicroseconds = options.bundleWaitMicroseconds
  }
}
