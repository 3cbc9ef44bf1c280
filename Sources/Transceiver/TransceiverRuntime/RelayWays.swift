import Paths
import TransceiverCore
import Wire

/// Tells a shard what the ways to its relays carry, as the kernel and the refusals of the kernel
/// say. On the shard's thread.
struct RelayWays {
  private let paths: PathView
  private var relays: [(address: TransportAddress, place: Int)] = []
  /// By place.
  private var isKnown: [Bool] = []
  private var generation: UInt64 = 0

  init(_ paths: PathView) { self.paths = paths }

  /// Relays whose ways are known one by one.
  var relayCount: Int { relays.count }

  /// A datagram of `count` bytes has come whose tag held. The way of a new relay is asked for after
  /// its first datagram was taken: what that causes at once is for a way that nobody knows.
  mutating func noteArrival(
    _ count: Int, from relay: TransportAddress, into shard: inout Shard
  ) {
    let place = paths.findOrAdd(relay)
    guard place >= 0 else { return }
    paths.note(arrival: count, at: place)
    if place < isKnown.count, isKnown[place] { return }
    while isKnown.count <= place { isKnown.append(false) }
    isKnown[place] = true
    relays.append((relay, place))
    tell(relay, place, &shard)
  }

  /// Hands on what has changed.
  mutating func follow(_ shard: inout Shard) {
    guard paths.generation != generation else { return }
    generation = paths.generation
    for relay in relays { tell(relay.address, relay.place, &shard) }
  }

  private func tell(_ relay: TransportAddress, _ place: Int, _ shard: inout Shard) {
    shard.setWay(
      to: relay, bundleBytes: paths.bundleBytes(at: place),
      wholeBytes: paths.wholeBytes(at: place))
  }
}
