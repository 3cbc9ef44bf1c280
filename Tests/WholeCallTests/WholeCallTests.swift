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

/// A caller, a relay worker, a shard and a scripted service on one virtual clock, in one thread.
@Suite struct WholeCallTests {
  private struct Directory: CallDirectory {
    func shardForNewCall() -> ShardChoice { .shard(0) }
    func isAlive(_ call: CallReference) -> Bool { true }
    func figures(of call: CallReference) -> JsonObject? { nil }
    func callCount(of caller: Caller) -> Int { 0 }
  }

  private static let start: Int64 = 1_800_000_000
  private static let listener = TransportAddress(ipv4: 0xC000_0201, port: 3_478)
  private static let shardTrunk = TransportAddress(ipv4: 0x0A00_0002, port: 4_000)
  private static let relayTrunk = TransportAddress(ipv4: 0x0A00_0001, port: 4_100)
  private static let client = TransportAddress(ipv4: 0xC633_6407, port: 50_000)

  @Test func aServiceSaysWhatItHears() throws {
    var random = SeededRandom(seed: 1)
    let keys = RoutingKeys.generate(random: &random)
    let transceiver = TransceiverID(node: 1, shard: 0)
    let identity = try DtlsIdentity.generate()

    var relay = try RelayWorker(
      WorkerConfiguration(cluster: 1, relayID: 1, listeners: [.ipv4], trunkIsIPv4: true),
      transceivers: [TransceiverEntry(id: transceiver, address: Self.shardTrunk)], keys: keys,
      trunkKey: TrunkKey(keys.trunk), random: &random)
    relay.tokenMinutes = TokenClock.minutes(unixSeconds: Self.start)
    var configuration = ShardConfiguration(
      cluster: 1, transceiver: transceiver, trunkKey: TrunkKey(keys.trunk)
    ) { options, seed throws(DtlsSetupError) in
      try OpenSslDtls(identity: identity, configuration: options, seed: seed)
    }
    configuration.backends = [.audiosocket: BackendSettings(.audiosocket)]
    var shard = Shard(configuration)
    let caller = CallClient(
      tone: EncodedTone(hertz: 450), identity: try DtlsIdentity.generate(),
      options: CallClientOptions(),
      random: &random)

    let signalling = Signalling(
      SignallingOptions(
        candidates: [Self.listener],
        fingerprint: try #require(Fingerprint(.sha256, bytes: identity.fingerprint().digest)),
        backends: ["audiosocket"], keys: keys, cluster: 1, node: 1))
    let offer = ApiRequest(
      method: "POST", path: "/v1/realtime/calls",
      headers: [(name: "content-type", value: "application/sdp")], body: Array(caller.offer.utf8))
    let outcome = signalling.handle(
      offer, directory: Directory(), unixSeconds: Self.start, random: &random)
    guard case .create(let plan, let answer) = outcome else {
      Issue.record("\(String(decoding: outcome.response.body, as: UTF8.self))")
      return
    }
    var now = Instant(nanoseconds: 1_000_000_000)
    try caller.accept(answer: String(decoding: answer.body, as: UTF8.self), at: now)
    let bytes = [UInt8](repeating: 7, count: 32)
    shard.take(
      .begin(plan, CallSeeds(handshake: bytes, session: bytes, identity: Array(bytes[..<16]))),
      at: now)

    var ends: [SessionEnd] = []
    var buffer = [UInt8](repeating: 0, count: 1_536)
    func up(_ next: (length: Int, to: TransportAddress)) {
      unsafe buffer.withUnsafeMutableBytes { datagram in
        relay.takeClientDatagram(
          unsafe ReceivedDatagram(
            bytes: UnsafeRawBufferPointer(rebasing: datagram[..<next.length]),
            isTruncated: false, peer: Self.client), listener: 0, at: now)
      }
      deliver()
    }
    /// What the relay has to send: to the shard, which gets bytes of its own, or to the caller.
    func deliver() {
      relay.finishBatch()
      for index in 0..<relay.outgoingCount {
        var bytes = unsafe Array(relay.outgoing(at: index).bytes)
        let isUp = relay.outgoing(at: index).exit == OutgoingDatagram.trunk
        unsafe bytes.withUnsafeMutableBytes { bytes in
          if isUp {
            _ = shard.takeDatagram(
              unsafe ReceivedTrunkDatagram(
                bytes: bytes, isTruncated: false, relay: Self.relayTrunk), at: now)
          } else {
            unsafe caller.handle(bytes, from: Self.listener, at: now)
          }
        }
      }
      relay.reset()
    }
    /// What the shard has to send, and what it wants of the service, which says what it hears.
    func drain() {
      var answers: [ShardCommand] = []
      while let datagram = shard.nextDatagram() {
        let bytes = unsafe datagram.bytes
        relay.takeTrunkDatagram(
          unsafe ReceivedDatagram(bytes: bytes, isTruncated: false, peer: Self.shardTrunk),
          at: now)
        deliver()
      }
      for effect in shard.effects {
        switch effect {
        case .openService(let service, _): answers.append(.service(service, .opened))
        case .toService(let service, let message) where message.isAudio:
          answers.append(.service(service, .message(message.bytes, isText: false)))
        case .event(_, .ended(let reason, _, _)): ends.append(reason)
        default: break
        }
      }
      shard.reset()
      for answer in answers { shard.take(answer, at: now) }
    }
    func run(milliseconds: Int) {
      for _ in 0..<milliseconds {
        now = now.advanced(byMilliseconds: 1)
        if caller.deadline <= now { caller.handleTimeout(at: now) }
        while let next = unsafe buffer.withUnsafeMutableBytes({
          unsafe caller.nextDatagram(into: $0)
        }) { up(next) }
        _ = shard.runDue(at: now)
        drain()
      }
    }

    run(milliseconds: 5_000)
    #expect(caller.state == .connected)
    let figures = caller.figures
    #expect(figures.packetsReceived >= 200 && figures.packetsLost == 0)
    #expect(figures.tone.rightWindows >= 18)
    #expect(relay.routeCount == 1)
    shard.take(.hangUp(plan.callID), at: now)
    run(milliseconds: 50)
    #expect(ends == [.hungUp])
    #expect(shard.callCount == 0 && relay.routeCount == 0)
  }
}
