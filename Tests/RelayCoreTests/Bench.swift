import Crypto
import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// A relay worker with two transceivers on a bench: makes what clients and transceivers send, hands
/// it in, and collects what comes out. No socket, no clock.
struct Bench: ~Copyable {
  static let cluster: UInt16 = 7
  static let relayID: UInt16 = 3
  static let transceivers = [
    TransceiverEntry(
      id: TransceiverID(node: 1, shard: 0), address: TransportAddress(ipv4: 0x0A00_0001, port: 4000)
    ),
    TransceiverEntry(
      id: TransceiverID(node: 1, shard: 1), address: TransportAddress(ipv4: 0x0A00_0001, port: 4001)
    ),
    TransceiverEntry(
      id: TransceiverID(node: 2, shard: 0), address: TransportAddress(ipv4: 0x0A00_0002, port: 4000)
    ),
  ]
  static let client = TransportAddress(ipv4: 0xC633_6407, port: 50_000)
  static let client6 = TransportAddress(high: 0x2001_0DB8_0000_0000, low: 7, port: 50_000)
  static let nowMinutes: UInt32 = 100_000

  let keys: RoutingKeys
  let trunkKey: TrunkKey?
  var places: TransceiverPlaces
  private let flows: FlowMemory
  var worker: RelayWorker
  var random: SeededRandom
  var now = Instant(nanoseconds: 1_000_000_000_000)

  init(
    seed: UInt64 = 1, hasTrunkKey: Bool = true,
    configure: (inout WorkerConfiguration) -> Void = { _ in }
  ) {
    var random = SeededRandom(seed: seed)
    keys = RoutingKeys.generate(random: &random)
    trunkKey = hasTrunkKey ? TrunkKey(keys.trunk) : nil
    var configuration = WorkerConfiguration(
      cluster: Self.cluster, relayID: Self.relayID,
      listeners: [
        RelayListener(number: 0, versions: .ipv4), RelayListener(number: 1, versions: .ipv6),
      ], trunkIsIPv4: true)
    configure(&configuration)
    do {
      places = try TransceiverPlaces(Self.transceivers, placesMax: configuration.placesMax)
    } catch {
      preconditionFailure("\(error)")
    }
    flows = FlowMemory.allocate(routesMax: configuration.routesMax)
    worker = RelayWorker(
      configuration, places: places, keys: keys, trunkKey: trunkKey, flows: flows,
      hash: RouteHash(random: &random))
    worker.tokenMinutes = Self.nowMinutes
    self.random = random
  }

  deinit { flows.deallocate() }
}

/// A trunk datagram that came out, opened, or a datagram for a client.
enum Sent: Equatable {
  case up(transceiver: TransceiverID, to: TransportAddress, frames: [Frame])
  case down(listener: UInt8, to: TransportAddress, bytes: [UInt8])

  /// Whom a bundle is for.
  var transceiver: TransceiverID? {
    if case .up(let transceiver, _, _) = self { transceiver } else { nil }
  }

  struct Frame: Equatable {
    var listener: UInt8
    var client: TransportAddress
    var bytes: [UInt8]
  }
}

extension Bench {
  /// From now on those of `list` are the worker's transceivers.
  mutating func replaceDirectory(_ list: [TransceiverEntry]) throws {
    try places.replace(with: list)
    var directory = TransceiverDirectory(places)
    worker.replaceDirectory(with: &directory)
  }

  /// A routing token for transceiver `index` of the bench.
  mutating func token(
    for index: Int, cluster: UInt16 = Bench.cluster, minted: UInt32 = Bench.nowMinutes,
    keys other: RoutingKeys? = nil
  ) -> RoutingToken {
    token(for: Self.transceivers[index].id, cluster: cluster, minted: minted, keys: other)
  }

  mutating func token(
    for id: TransceiverID, cluster: UInt16 = Bench.cluster, minted: UInt32 = Bench.nowMinutes,
    keys other: RoutingKeys? = nil
  ) -> RoutingToken {
    TokenSealer(other ?? keys).seal(
      TokenContents(cluster: cluster, transceiver: id, mintedMinutes: minted), random: &random)
  }

  /// A browser's connectivity check for `token`.
  mutating func check(
    _ token: RoutingToken, integrity: Bool = true, usernameLast: Bool = false
  ) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let key = IcePasswordDeriver(keys).derive(token).integrityKey
    let id = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: .bindingRequest, transactionID: id)
      if usernameLast { writer.append(priority: 0x6E7F_1EFF) }
      let ours = Array(token.text.utf8)
      let theirs = Array("abcd".utf8)
      unsafe writer.append(usernameOf: ours.span.bytes, from: theirs.span.bytes)
      if !usernameLast { writer.append(priority: 0x6E7F_1EFF) }
      writer.append(controllingTieBreaker: 1)
      if integrity { StunIntegrity.append(to: &writer, key: key) }
      writer.appendFingerprint()
      return writer.count
    }
    return Array(buffer[..<count])
  }

  /// A Binding message without USERNAME.
  mutating func binding(_ type: StunMessageType) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let id = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: type, transactionID: id)
      writer.appendFingerprint()
      return writer.count
    }
    return Array(buffer[..<count])
  }

  /// An RTP packet's shape, with `number` in it.
  static func media(_ number: UInt8 = 0, count: Int = 172) -> [UInt8] {
    var packet = [UInt8](repeating: number, count: count)
    packet[0] = 0x80
    return packet
  }

  /// A trunk datagram of transceiver `index` with `frames`.
  func down(
    from index: Int = 0, kind: TrunkKind = .down, cluster: UInt16 = Bench.cluster,
    ingress: UInt16 = Bench.relayID, id: TransceiverID? = nil, key: TrunkKey? = nil,
    _ frames: [(TrunkFrame, [UInt8])]
  ) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let header = TrunkHeader(
      kind: kind, cluster: cluster, transceiver: id ?? Self.transceivers[index].id,
      ingress: ingress)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe BundleWriter(into: memory, header)
      for (frame, payload) in frames {
        let isIn = unsafe payload.withUnsafeBytes { unsafe writer.append(frame, $0) }
        precondition(isIn)
      }
      writer.seal(key ?? trunkKey)
      return writer.count
    }
    return Array(buffer[..<count])
  }

  /// Transceiver `index` says something to the client; what came out.
  mutating func speak(
    from index: Int, to client: TransportAddress = Bench.client, listener: UInt8 = 0,
    proven: Bool = false, ended: Bool = false, _ payload: [UInt8] = [1, 2, 3]
  ) -> [Sent] {
    let frame = TrunkFrame(listener: listener, client: client, proven: proven, ended: ended)
    return takeTrunk(
      [down(from: index, [(frame, payload)])], peer: Self.transceivers[index].address)
  }
}

extension Bench {
  /// Hands one batch of client datagrams in, as the runtime does, and returns what it sends.
  mutating func takeClient(
    _ datagrams: [[UInt8]], from client: TransportAddress = Bench.client, listener: UInt8 = 0,
    isTruncated: Bool = false
  ) -> [Sent] {
    var sent: [Sent] = []
    for bytes in datagrams {
      if worker.needsDrain { drain(into: &sent) }
      unsafe bytes.withUnsafeBytes { memory in
        unsafe worker.takeClientDatagram(
          ReceivedDatagram(bytes: memory, isTruncated: isTruncated, peer: client),
          listener: listener, at: now)
      }
    }
    drain(into: &sent)
    return sent
  }

  /// Hands one batch in whose datagrams come from each of `clients` in turn.
  mutating func takeAlternately(
    _ datagrams: [[UInt8]], from clients: [TransportAddress]
  ) -> [Sent] {
    for (number, bytes) in datagrams.enumerated() {
      unsafe bytes.withUnsafeBytes { memory in
        unsafe worker.takeClientDatagram(
          ReceivedDatagram(
            bytes: memory, isTruncated: false, peer: clients[number % clients.count]),
          listener: 0, at: now)
      }
    }
    var sent: [Sent] = []
    drain(into: &sent)
    return sent
  }

  /// Hands one batch in; the lengths of what it becomes, padding included.
  mutating func outgoingLengths(_ datagrams: [[UInt8]]) -> [Int] {
    for bytes in datagrams {
      unsafe bytes.withUnsafeBytes { memory in
        unsafe worker.takeClientDatagram(
          ReceivedDatagram(bytes: memory, isTruncated: false, peer: Bench.client), listener: 0,
          at: now)
      }
    }
    worker.finishBatch()
    defer { worker.reset() }
    return (0..<worker.outgoingCount).map { unsafe worker.outgoing(at: $0).bytes.count }
  }

  /// Hands one batch in; which of the datagrams that it becomes are marked as too long.
  mutating func isTooLong(_ datagrams: [[UInt8]], from client: TransportAddress) -> [Bool] {
    for bytes in datagrams {
      unsafe bytes.withUnsafeBytes { memory in
        unsafe worker.takeClientDatagram(
          ReceivedDatagram(bytes: memory, isTruncated: false, peer: client), listener: 0, at: now)
      }
    }
    worker.finishBatch()
    defer { worker.reset() }
    return (0..<worker.outgoingCount).map { worker.outgoing(at: $0).isTooLong }
  }

  /// Hands trunk datagrams in, one by one.
  mutating func takeTrunk(
    _ datagrams: [[UInt8]], peer: TransportAddress, isTruncated: Bool = false
  ) -> [Sent] {
    var sent: [Sent] = []
    for bytes in datagrams {
      unsafe bytes.withUnsafeBytes { memory in
        unsafe worker.takeTrunkDatagram(
          ReceivedDatagram(bytes: memory, isTruncated: isTruncated, peer: peer), at: now)
        drain(into: &sent)
      }
    }
    return sent
  }

  /// Collects what the worker wants sent; checks that each bundle opens with the trunk's key.
  mutating func drain(into sent: inout [Sent]) {
    worker.finishBatch()
    for index in 0..<worker.outgoingCount {
      let item = worker.outgoing(at: index)
      if item.exit == OutgoingDatagram.trunk {
        sent.append(unsafe open(item.bytes, to: item.destination))
      } else {
        sent.append(
          .down(
            listener: item.exit, to: item.destination, bytes: unsafe Array(item.bytes)))
      }
    }
    worker.reset()
  }

  private func open(_ bytes: UnsafeRawBufferPointer, to destination: TransportAddress) -> Sent {
    let span = unsafe bytes.bytes
    guard case .valid(let header) = TrunkDatagram.open(span, trunkKey) else {
      preconditionFailure("a bundle of ours does not open")
    }
    precondition(header.kind == .up && header.cluster == Self.cluster)
    precondition(header.ingress == Self.relayID)
    var frames: [Sent.Frame] = []
    var offset = TrunkHeader.bytes
    while case .frame(let frame, let payload) = TrunkDatagram.nextFrame(span, at: offset) {
      precondition(!frame.proven && !frame.ended)
      let packet = unsafe Array(bytes[payload.offset..<payload.end])
      frames.append(Sent.Frame(listener: frame.listener, client: frame.client, bytes: packet))
      offset = payload.end
    }
    // What is left over, if anything, is padding.
    unsafe precondition(offset == bytes.count || bytes[offset] == 0x80)
    return .up(transceiver: header.transceiver, to: destination, frames: frames)
  }

  /// What one client packet alone becomes on its way to transceiver `index`.
  static func up(
    _ index: Int, _ packets: [[UInt8]], client: TransportAddress = Bench.client,
    listener: UInt8 = 0
  ) -> Sent {
    .up(
      transceiver: transceivers[index].id, to: transceivers[index].address,
      frames: packets.map { Sent.Frame(listener: listener, client: client, bytes: $0) })
  }
}
