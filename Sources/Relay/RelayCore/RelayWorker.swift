package import Token
package import Trunk
package import Wire

/// What a relay worker is told at the start, the same for all workers of a relay. A value that is
/// checked when the worker is made; wrong ones are our own mistake and trap.
package struct WorkerConfiguration: Sendable {
  /// The cluster whose tokens and trunk datagrams are taken.
  package var cluster: UInt16
  /// Our ID in the trunk's headers.
  package var relayID: UInt16
  /// The listeners, each with a number of its own.
  package var listeners: [RelayListener]
  /// Whether the trunk runs over IPv4.
  package var trunkIsIPv4: Bool
  /// The greatest bundle, in bytes of UDP payload, from `RelayLimits.bundleBytesMin`.
  package var bundleBytes: Int
  /// The listeners' receive buffers, in bytes; longer datagrams come as truncated.
  package var clientBytesMax: Int
  /// The trunk socket's, in bytes.
  package var receiveBytesMax: Int
  /// Routes that the worker keeps, 1 to 2^24.
  package var routesMax: Int
  /// How long a route outlives its transceiver's last frame, from
  /// `RelayLimits.idleMillisecondsMin`.
  package var idleMilliseconds: UInt64
  /// How old a token may be that opens a flow.
  package var validity: TokenValidity
  /// Places that a directory may have, 1 to `RelayLimits.transceiversMax`: room for those that come
  /// later, 24 bytes each.
  package var placesMax: Int

  /// The configuration of a relay with these; everything else as `RelayLimits` has it.
  package init(cluster: UInt16, relayID: UInt16, listeners: [RelayListener], trunkIsIPv4: Bool) {
    self.cluster = cluster
    self.relayID = relayID
    self.listeners = listeners
    self.trunkIsIPv4 = trunkIsIPv4
    bundleBytes = RelayLimits.bundleBytes
    clientBytesMax = 2048
    receiveBytesMax = 2048
    routesMax = RelayLimits.routesMax
    idleMilliseconds = RelayLimits.idleMilliseconds
    validity = TokenValidity()
    placesMax = RelayLimits.transceiversMax
  }
}

extension WorkerConfiguration {
  /// The longest trunk datagram that a worker makes, in bytes of UDP payload.
  package var trunkDatagramBytesMax: Int {
    max(trunkIsIPv4 ? RelayLimits.trunkBytesIPv4 : RelayLimits.trunkBytesIPv6, bundleBytes)
  }
}

/// A datagram as the runtime hands it in. Its memory stays valid until the worker's `reset`.
@safe package struct ReceivedDatagram: BitwiseCopyable {
  /// What came; may be empty.
  package let bytes: UnsafeRawBufferPointer
  /// Longer than the receive buffer; the rest is lost.
  package let isTruncated: Bool
  /// Where it says that it comes from.
  package let peer: TransportAddress

  /// A datagram in the runtime's memory; copies nothing.
  package init(bytes: UnsafeRawBufferPointer, isTruncated: Bool, peer: TransportAddress) {
    unsafe self.bytes = bytes
    self.isTruncated = isTruncated
    self.peer = peer
  }
}

/// One relay worker's whole mind: datagrams in, datagrams out. No socket, clock or thread inside.
///
/// The runtime's law, for each batch: `take...` each datagram, drained before any that finds the
/// worker `needsDrain`; `finishBatch`; send `outgoing`; `reset`. After `init` nothing allocates,
/// retains or locks. One thread; reached through a pointer, so that nothing is copied.
package struct RelayWorker: ~Copyable {
  let relayID: UInt16
  let cluster: UInt16
  let listeners: ListenerSet
  let trunkBytesMax: Int
  let outgoingReserve: Int
  let idleNanoseconds: UInt64
  let validity: TokenValidity
  let placesMax: Int
  var directory: TransceiverDirectory
  var trafficTable: TrafficTable
  let opener: TokenOpener
  let passwords: IcePasswordDeriver
  let trunkKey: TrunkKey?
  var routes: RouteTable
  var candidates: CandidateTable
  var bundles: BundlePool
  var output: OutputQueue
  var sweepAt = Instant(nanoseconds: 0)
  /// What `announce` read; means nothing.
  var touched: UInt16 = 0

  /// What has become of all datagrams so far. To read it copies all of it.
  package internal(set) var counters = RelayCounters()
  /// What the last refused ones of some kinds said.
  package internal(set) var evidence = Evidence()
  /// The time by `TokenClock`, in minutes; the runtime keeps it right to a minute.
  package var tokenMinutes: UInt32 = 0

  /// Prepares keys and tables; allocates all memory that the worker will ever use, but that of the
  /// flows: `flows`, for `routesMax` of them, outlives the worker. `hash` is the tables', a secret
  /// of the process. `trunkKey` may be nil only where both ends of the trunk are on the loopback
  /// interface. Traps on a configuration that no options lead to.
  package init(
    _ configuration: WorkerConfiguration, places: TransceiverPlaces, keys: RoutingKeys,
    trunkKey: TrunkKey?, flows: FlowMemory, hash: RouteHash
  ) {
    precondition(configuration.idleMilliseconds >= RelayLimits.idleMillisecondsMin)
    precondition(configuration.bundleBytes >= RelayLimits.bundleBytesMin)
    precondition(configuration.clientBytesMax > 0 && configuration.receiveBytesMax > 0)
    // No property is read before all are set: in a precondition, Swift 6.3 then frees the memory of
    // those that are not.
    let placesMax = configuration.placesMax
    precondition(placesMax > 0 && placesMax <= RelayLimits.transceiversMax)
    precondition(places.count <= placesMax, "more places than there is room for")
    self.placesMax = placesMax
    directory = TransceiverDirectory(places)
    trafficTable = TrafficTable(placesMax: placesMax)
    relayID = configuration.relayID
    cluster = configuration.cluster
    listeners = ListenerSet(configuration.listeners)
    trunkBytesMax = configuration.trunkDatagramBytesMax
    outgoingReserve = configuration.receiveBytesMax / RelayLimits.frameBytesMin + 2
    idleNanoseconds = configuration.idleMilliseconds * 1_000_000
    validity = configuration.validity
    // Age is judged here, and only for tokens that would open a flow: a skewed clock must not end
    // calls that live.
    opener = TokenOpener(
      keys, validity: TokenValidity(lifetimeMinutes: .max, skewMinutes: .max))
    passwords = IcePasswordDeriver(keys)
    self.trunkKey = trunkKey
    let routesMax = configuration.routesMax
    unsafe routes = RouteTable(flows.routes, routesMax: routesMax, hash: hash)
    unsafe candidates = CandidateTable(
      flows.candidates, candidatesMax: RelayLimits.candidatesMax(routesMax: routesMax), hash: hash)
    bundles = BundlePool(
      placeCount: placesMax, bundlesMax: RelayLimits.bundlesMax, bufferBytes: trunkBytesMax,
      bundleBytes: configuration.bundleBytes)
    output = OutputQueue(
      capacity: RelayLimits.outgoingMax + RelayLimits.bundlesMax + outgoingReserve)
  }

  /// Routes that the worker holds now.
  package var routeCount: Int { routes.count }

  /// What each transceiver was sent and said, by place, those that are away included. Allocates:
  /// not for the packet path.
  package var traffic: [TransceiverTraffic] { trafficTable.first(directory.count) }

  /// Takes `other` in, which the same `TransceiverPlaces` have made later than the former one, and
  /// leaves the former one in its place, to be freed where allocating is allowed. Reads each place
  /// once and allocates nothing. Between two batches: traps while anything waits for sending.
  ///
  /// Every route lives on. A transceiver that is away is sent nothing and not listened to: a client
  /// whose route names it is served by a live challenger alone, else its packets are counted as
  /// `clientWithoutRoute`; without word from it the route ends by its idleness, unless it is there
  /// again before. After the call `setWay` is due for whoever is new or has moved.
  package mutating func replaceDirectory(with other: inout TransceiverDirectory) {
    precondition(bundles.count == 0 && output.count == 0, "a batch is not finished")
    precondition(other.count <= placesMax, "the directory has more places than there is room for")
    precondition(other.continues(directory), "a place would mean another transceiver")
    swap(&directory, &other)
  }

  /// Sets what the way to the transceiver at `place` carries, in bytes of UDP payload: a bundle, at
  /// most the configured one, and a single packet's datagram that leaves whole; both above 0, and
  /// as small as an interface of this machine makes them. Between two batches.
  package mutating func setWay(bundleBytes: Int, wholeBytes: Int, for place: Int) {
    precondition(bundleBytes > 0 && wholeBytes > 0, "a way that carries nothing is none")
    bundles.setWay(bundleBytes: bundleBytes, wholeBytes: wholeBytes, for: place)
  }

  /// Says that a datagram of `client` on `listener` is about to be taken. Announcing a whole batch
  /// before the first is taken lets the processor fetch all their routes at the same time.
  @_noLocks
  package mutating func announce(client: TransportAddress, listener: UInt8) {
    touched ^= routes.touch(RouteKey(listener: listener, client: client))
  }

  // What a runtime asks in each batch is `mutating`, so that the worker is handed over by its
  // address: to read one of its properties, another module copies the whole of it (2.5 KB, for each
  // packet, Swift 6.3; `tools/instructions` shows it).

  /// Whether the runtime must drain (`finishBatch`, send, `reset`) before the next datagram.
  package var needsDrain: Bool {
    @_noLocks mutating get {
      output.room < outgoingReserve + RelayLimits.bundlesMax
        || bundles.room < RelayLimits.bundlesPerDatagramMax
    }
  }

  /// Seals the bundles: what `outgoing` then holds is all there is to send, a transceiver's
  /// datagrams in a row.
  @_noLocks
  package mutating func finishBatch() {
    var first = bundles.firstOfChain(from: 0)
    while first >= 0 {
      var bundle = first
      while bundle >= 0 { bundle = seal(bundle) }
      first = bundles.firstOfChain(from: first &+ 1)
    }
  }

  /// How many datagrams wait for sending.
  package var outgoingCount: Int { @_noLocks mutating get { output.count } }

  /// The datagram to send at `index`, below `outgoingCount`; valid until `reset`.
  @_noLocks
  package mutating func outgoing(at index: Int) -> OutgoingDatagram { output[index] }

  /// Everything outgoing has been sent: its memory is used again.
  @_noLocks
  package mutating func reset() {
    output.removeAll()
    bundles.reset()
  }

  /// House-keeping: forgets some of the routes whose transceiver is silent. Returns when it wants
  /// to be called again.
  @_noLocks
  package mutating func onTurn(at now: Instant) -> Instant {
    guard routes.count > 0 else { return .never }
    if now < sweepAt { return sweepAt }
    let removed = routes.sweep(
      RelayLimits.sweepSlots, at: now, idleNanoseconds: idleNanoseconds)
    counters.count(.routeExpired, removed)
    sweepAt = now.advanced(byNanoseconds: RelayLimits.sweepNanoseconds)
    return sweepAt
  }
}

extension RelayWorker {
  /// Puts a client's packet into the bundle for the transceiver at `place`. False when that is
  /// away.
  @_noLocks
  mutating func forward(
    _ datagram: ReceivedDatagram, _ frame: TrunkFrame, to place: Int
  ) -> Bool {
    // Who has a bundle is there: no directory is replaced while one is open.
    if unsafe bundles.append(frame, datagram.bytes, for: place) { return true }
    guard directory.isThere(place) else { return false }
    let header = TrunkHeader(
      kind: .up, cluster: cluster, transceiver: directory.entry(at: place).id, ingress: relayID)
    unsafe bundles.begin(for: place, header, frame, datagram.bytes)
    return true
  }

  /// Seals a bundle and queues it; gives the next one of its chain, or -1.
  @_noLocks
  private mutating func seal(_ bundle: Int) -> Int {
    let sealed = bundles.seal(bundle, trunkKey)
    counters.count(.bundlesSent)
    counters.count(.framesSent, sealed.frames)
    trafficTable.noteSent(to: sealed.place)
    unsafe output.append(
      OutgoingDatagram(
        bytes: sealed.datagram, exit: OutgoingDatagram.trunk, isTooLong: sealed.isTooLong,
        destination: directory.entry(at: sealed.place).address))
    return sealed.next
  }

  /// The slot of the route for `key`, or -1. A route that has been silent too long ends here.
  @_noLocks
  mutating func liveRoute(_ key: RouteKey, at now: Instant) -> Int {
    let slot = routes.find(key)
    guard slot >= 0 else { return -1 }
    let silence = routes.route(at: slot).ownerSpokeAt.nanoseconds(until: now)
    guard silence > idleNanoseconds else { return slot }
    routes.remove(at: slot)
    counters.count(.routeExpired)
    return -1
  }
}
