import Backends
import CallClient
import Crypto
import Dtls
import Json
import RelayCore
import Sdp
import Session
import Signalling
import Testing
import Token
import TransceiverCore
import Trunk
import Wire

final class WholeCall {
  private struct Directory: CallDirectory {
    func shardForNewCall() -> ShardChoice { .shard(0) }
    func isAlive(_ call: CallReference) -> Bool { true }
    func figures(of call: CallReference) -> JsonObject? { nil }
    func callCount(of caller: Caller) -> Int { 0 }
  }

  private static let unixSeconds: Int64 = 1_800_000_000
  private static let listener = TransportAddress(ipv4: 0xC000_0201, port: 3_478)
  private static let shardTrunk = TransportAddress(ipv4: 0x0A00_0002, port: 4_000)
  private static let relayTrunk = TransportAddress(ipv4: 0x0A00_0001, port: 4_100)
  private static let client = TransportAddress(ipv4: 0xC633_6407, port: 50_000)

  var now = Instant(nanoseconds: 1_000_000_000)
  private let flows: FlowMemory
  var relay: RelayWorker
  var shard: Shard
  let caller: CallClient
  let plan: CallPlan
  var ends: [SessionEnd] = []

  /// The caller has our answer, and the shard knows of the call.
  init() throws {
    var random = SeededRandom(seed: 1)
    let keys = RoutingKeys.generate(random: &random)
    let transceiver = TransceiverID(node: 1, shard: 0)
    let identity = try DtlsIdentity.generate()
    let relayConfiguration = WorkerConfiguration(
      cluster: 1, relayID: 1, listeners: [RelayListener(number: 0, versions: .ipv4)],
      trunkIsIPv4: true)
    flows = FlowMemory.allocate(routesMax: relayConfiguration.routesMax)
    relay = RelayWorker(
      relayConfiguration,
      places: try TransceiverPlaces([
        TransceiverEntry(id: transceiver, address: Self.shardTrunk)
      ]), keys: keys, trunkKey: TrunkKey(keys.trunk), flows: flows,
      hash: RouteHash(random: &random))
    relay.tokenMinutes = TokenClock.minutes(unixSeconds: Self.unixSeconds)
    var configuration = ShardConfiguration(
      cluster: 1, transceiver: transceiver, trunkKey: TrunkKey(keys.trunk)
    ) { options, seed throws(DtlsSetupError) in
      try OpenSslDtls(identity: identity, configuration: options, seed: seed)
    }
    configuration.backends = [.audiosocket: BackendSettings(.audiosocket)]
    shard = Shard(configuration)
    caller = CallClient(
      tone: EncodedTone(hertz: 450), identity: try DtlsIdentity.generate(),
      options: CallClientOptions(), random: &random)
    let signalling = Signalling(
      SignallingOptions(
        candidates: [Self.listener],
        fingerprint: try #require(Fingerprint(.sha256, bytes: identity.fingerprint().digest)),
        backends: ["audiosocket"], keys: keys, cluster: 1, node: 1))
    let offer = ApiRequest(
      method: "POST", path: "/v1/realtime/calls",
      headers: [(name: "content-type", value: "application/sdp")], body: Array(caller.offer.utf8))
    let outcome = signalling.handle(
      offer, directory: Directory(), unixSeconds: Self.unixSeconds, random: &random)
    guard case .create(let plan, let answer) = outcome else { throw CancellationError() }
    self.plan = plan
    try caller.accept(answer: String(decoding: answer.body, as: UTF8.self), at: now)
    let seed = [UInt8](repeating: 7, count: 32)
    shard.take(
      .begin(plan, CallSeeds(handshake: seed, session: seed, identity: Array(seed[..<16]))),
      at: now)
  }

  deinit { flows.deallocate() }

  func run(milliseconds: Int) {
    var buffer = [UInt8](repeating: 0, count: 1_536)
    for _ in 0..<milliseconds {
      now = now.advanced(byMilliseconds: 1)
      if caller.deadline <= now { caller.handleTimeout(at: now) }
      unsafe buffer.withUnsafeMutableBytes { buffer in
        while let next = unsafe caller.nextDatagram(into: buffer) {
          let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<next.length])
          relay.takeClientDatagram(
            unsafe ReceivedDatagram(bytes: bytes, isTruncated: false, peer: Self.client),
            listener: 0, at: now)
          drainRelay()
        }
      }
      _ = shard.runDue(at: now)
      drainShard()
    }
  }

  /// What the relay has to send: to the shard, or to the caller. Each gets bytes of its own.
  private func drainRelay() {
    relay.finishBatch()
    for index in 0..<relay.outgoingCount {
      let datagram = relay.outgoing(at: index)
      var bytes = unsafe Array(datagram.bytes)
      unsafe bytes.withUnsafeMutableBytes { bytes in
        if datagram.exit == OutgoingDatagram.trunk {
          _ = shard.takeDatagram(
            unsafe ReceivedTrunkDatagram(bytes: bytes, isTruncated: false, relay: Self.relayTrunk),
            at: now)
        } else {
          unsafe caller.handle(bytes, from: Self.listener, at: now)
        }
      }
    }
    relay.reset()
  }

  /// What the shard has to send, and what it wants of the service, which says what it hears.
  private func drainShard() {
    while let datagram = shard.nextDatagram() {
      relay.takeTrunkDatagram(
        unsafe ReceivedDatagram(bytes: datagram.bytes, isTruncated: false, peer: Self.shardTrunk),
        at: now)
      drainRelay()
    }
    let effects = shard.effects
    shard.reset()
    for effect in effects {
      switch effect {
      case .openService(let service, _): shard.take(.service(service, .opened), at: now)
      case .toService(let service, let message) where message.isAudio:
        shard.take(.service(service, .message(message.bytes, isText: false)), at: now)
      case .event(_, .ended(let reason, _, _)): ends.append(reason)
      default: break
      }
    }
  }
}
