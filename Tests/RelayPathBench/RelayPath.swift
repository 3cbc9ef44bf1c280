import Crypto
import RelayCore
import Token
import Trunk
import Wire

/// A relay worker and batches of one kind of packet from a thousand clients, prepared beforehand.
struct RelayPath: ~Copyable {
  private static let clients = 1_001  // whole bundles downwards
  private static let batch = 256
  private static let nowMinutes: UInt32 = 100_000

  private let kind: PacketKind
  private let packets: [UInt8]
  private let packetBytes: Int
  private let packetsEach: Int
  private let transceiver: TransceiverEntry
  /// Its flows' memory ends with the process.
  private var worker: RelayWorker
  private var now = Instant(nanoseconds: 1_000_000_000_000)
  private var position = 0

  init(_ kind: PacketKind) {
    self.kind = kind
    var random = SeededRandom(seed: 1)
    let keys = RoutingKeys.generate(random: &random)
    let trunkKey = kind.hasTrunkKey ? TrunkKey(keys.trunk) : nil
    transceiver = TransceiverEntry(
      id: TransceiverID(node: 1, shard: 0),
      address: TransportAddress(ipv4: 0x0A00_0001, port: 4_000))
    let configuration = WorkerConfiguration(
      cluster: 7, relayID: 3, listeners: [RelayListener(number: 0, versions: .ipv4)],
      trunkIsIPv4: true)
    do {
      worker = RelayWorker(
        configuration, places: try TransceiverPlaces([transceiver]), keys: keys,
        trunkKey: trunkKey, flows: .allocate(routesMax: configuration.routesMax),
        hash: RouteHash(random: &random))
    } catch {
      preconditionFailure("\(error)")
    }
    worker.tokenMinutes = Self.nowMinutes
    let maker = PacketMaker(keys: keys, trunkKey: trunkKey, transceiver: transceiver.id)
    let made = maker.make(kind, clients: Self.clients, minutes: Self.nowMinutes, random: &random)
    packets = made.joined().map { $0 }
    packetBytes = made[0].count
    precondition(made.allSatisfy { [packetBytes] in $0.count == packetBytes })
    packetsEach = kind.goesDown ? PacketMaker.framesEach : 1
    guard kind != .firstStun, kind != .forgedStun else { return }
    let routes = maker.make(.dataDown, clients: Self.clients, minutes: 0, random: &random)
    for bundle in routes { takeDown(bundle, from: transceiver.address) }
  }

  private mutating func takeDown(_ bundle: [UInt8], from peer: TransportAddress) {
    unsafe bundle.withUnsafeBytes { bytes in
      unsafe worker.takeTrunkDatagram(
        ReceivedDatagram(bytes: bytes, isTruncated: false, peer: peer), at: now)
    }
    finish()
  }

  /// Hands `count` packets in, in batches, and takes what comes of them.
  mutating func run(packets count: Int) {
    var left = count / packetsEach
    while left > 0 {
      let batch = min(left, kind.goesDown ? Self.batch / packetsEach : Self.batch)
      unsafe packets.withUnsafeBytes { memory in unsafe take(batch, of: memory) }
      left -= batch
      finish()
    }
  }

  private mutating func take(_ count: Int, of memory: UnsafeRawBufferPointer) {
    let first = position
    if !kind.goesDown {
      var index = 0
      while index < count {
        worker.announce(client: PacketMaker.client((first + index) % Self.clients), listener: 0)
        index += 1
      }
    }
    let kinds = memory.count / packetBytes
    var index = 0
    while index < count {
      let number = (first + index) % kinds
      let start = number * packetBytes
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: memory[start..<start + packetBytes])
      let peer = kind.goesDown ? transceiver.address : PacketMaker.client(number)
      let datagram = unsafe ReceivedDatagram(bytes: bytes, isTruncated: false, peer: peer)
      if kind.goesDown {
        worker.takeTrunkDatagram(datagram, at: now)
      } else {
        if worker.needsDrain { finish() }
        worker.takeClientDatagram(datagram, listener: 0, at: now)
      }
      index += 1
    }
    position = (first + count) % kinds
    // A first check stays one: candidates of a past second do not count as known.
    if kind == .firstStun { now = now.advanced(byMilliseconds: 3_000) }
  }

  private mutating func finish() {
    worker.finishBatch()
    var index = 0
    while index < worker.outgoingCount {
      unsafe keep(worker.outgoing(at: index).bytes.count)
      index += 1
    }
    worker.reset()
  }
}

/// Keeps a result alive, so that what made it is not optimised away.
@inline(never)
private func keep(_ value: Int) {}
