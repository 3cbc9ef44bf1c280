import Trunk
package import Wire

/// The bundles that one turn of a shard fills for the relays' workers.
///
/// All leave together when the turn ends, or when there is no place for another. Memory is made
/// once; only a relay that was never sent anything costs an allocation. One thread.
@safe struct RelayBundles: ~Copyable {
  /// A relay's worker, whom one chain of the pool is for.
  private struct Worker: BitwiseCopyable {
    var address: TransportAddress
    var ingress: UInt16
  }

  /// A relay's host, whatever the port: its workers share the way.
  private struct Host: Hashable {
    var high: UInt64
    var low: UInt64

    init(_ address: TransportAddress) {
      high = address.high
      low = address.low
    }
  }

  /// What a way carries, in bytes of UDP payload.
  private struct Way {
    var bundleBytes: Int
    var wholeBytes: Int
  }

  private var pool: BundlePool
  /// The workers of this turn, by their place in the pool.
  private var workers: [Worker] = []
  private var ways: [Host: Way] = [:]
  private let header: TrunkHeader
  private let key: TrunkKey?
  /// The longest datagram that a packet alone may make.
  private let bufferBytes: Int
  /// The next bundle to give out of its chain, or -1; and where the next chain is looked for.
  private var next = -1
  private var searchFrom = 0
  /// Trunk datagrams and the frames within, since the start.
  private(set) var datagrams: UInt64 = 0
  private(set) var frames: UInt64 = 0
  /// Client packets too large for any bundle.
  private(set) var tooLarge: UInt64 = 0

  /// A 1,408-byte client datagram with both headers for an IPv6 client.
  static let aloneBytesMax = 1_408 + 16 + 21
  /// Of a way that nobody has told of, at most.
  private static let unknownBytes = 1_200
  private let unknownWay: Way

  /// - Parameters:
  ///   - header: of every datagram; the ingress differs.
  ///   - bundlesMax: bundles that one turn can fill before they have to leave.
  ///   - bundleBytesMax: the greatest bundle, in bytes of UDP payload.
  init(_ header: TrunkHeader, key: TrunkKey?, bundlesMax: Int, bundleBytesMax: Int) {
    self.header = header
    self.key = key
    // Nothing of `self` is read before all of it is there; see `RelayWorker.init`.
    let longest = max(bundleBytesMax, Self.aloneBytesMax)
    bufferBytes = longest
    let unknown = min(bundleBytesMax, Self.unknownBytes)
    unknownWay = Way(bundleBytes: unknown, wholeBytes: unknown)
    // Each worker of a turn has a bundle at least.
    pool = BundlePool(
      placeCount: bundlesMax, bundlesMax: bundlesMax, bufferBytes: longest,
      bundleBytes: bundleBytesMax)
    workers.reserveCapacity(bundlesMax)
  }

  /// Bundles that can still be begun before `reset`; a packet begins one at most.
  var room: Int { pool.room }

  /// Sets what the way to a relay carries, whatever its port, in bytes of UDP payload: a bundle, at
  /// most the configured one, and a single packet's datagram that leaves whole. Bundles that are
  /// begun already stay as they are.
  mutating func setWay(to relay: TransportAddress, bundleBytes: Int, wholeBytes: Int) {
    ways[Host(relay)] = Way(bundleBytes: bundleBytes, wholeBytes: wholeBytes)
  }

  /// Adds one client packet (or an empty `ended` notice) for `path`'s relay.
  mutating func append(
    _ payload: UnsafeRawBufferPointer, to path: PathID, proven: Bool, ended: Bool
  ) {
    precondition(searchFrom == 0, "bundles are being sent: no packet may be added before reset")
    let frame = TrunkFrame(
      listener: path.listener, client: path.client, proven: proven, ended: ended)
    guard payload.count <= TrunkFrame.payloadBytesMax,
      TrunkHeader.bytes + frame.headerBytes + payload.count <= bufferBytes
    else {
      tooLarge &+= 1
      return
    }
    let place = place(of: path)
    frames &+= 1
    if unsafe pool.append(frame, payload, for: place) { return }
    var header = header
    header.ingress = path.ingress
    unsafe pool.begin(for: place, header, frame, payload)
  }

  private mutating func place(of path: PathID) -> Int {
    // The newest first: packets of one worker follow each other.
    var place = workers.count - 1
    while place >= 0 {
      if workers[place].address == path.relay, workers[place].ingress == path.ingress {
        return place
      }
      place -= 1
    }
    let way = ways[Host(path.relay)] ?? unknownWay
    pool.setWay(
      bundleBytes: way.bundleBytes, wholeBytes: way.wholeBytes, for: workers.count)
    workers.append(Worker(address: path.relay, ingress: path.ingress))
    return workers.count - 1
  }

  /// The next datagram to send, sealed; nil when all have been given out, and `reset` follows. One
  /// worker's datagrams follow each other.
  mutating func nextDatagram() -> OutgoingTrunkDatagram? {
    if next < 0 {
      next = pool.firstOfChain(from: searchFrom)
      guard next >= 0 else {
        searchFrom = pool.count
        return nil
      }
      searchFrom = next + 1
    }
    let sealed = pool.seal(next, key)
    next = sealed.next
    datagrams &+= 1
    return unsafe OutgoingTrunkDatagram(
      bytes: sealed.datagram, isTooLong: sealed.isTooLong, relay: workers[sealed.place].address)
  }

  /// Every datagram has been sent: the memory is used again.
  mutating func reset() {
    precondition(
      next < 0 && pool.firstOfChain(from: searchFrom) < 0, "some datagrams were not given out")
    pool.reset()
    workers.removeAll(keepingCapacity: true)
    searchFrom = 0
  }
}

/// A trunk datagram for a relay's worker; its bytes are valid until the shard's `reset`.
@safe package struct OutgoingTrunkDatagram: BitwiseCopyable {
  /// UDP payload, never empty.
  package let bytes: UnsafeRawBufferPointer
  /// It is longer than its way carries as a whole: it has to leave in fragments.
  package let isTooLong: Bool
  /// The worker's trunk address.
  package let relay: TransportAddress
}
