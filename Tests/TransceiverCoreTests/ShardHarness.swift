import Backends
import CallClient
import Crypto
import Dtls
import Json
import Sdp
import Session
import Signalling
import Testing
import Token
import Trunk
import Wire

@testable import TransceiverCore

/// A shard and callers that reach it through one relay, on a virtual clock: nothing here is a
/// socket or a thread.
final class ShardHarness {
  /// A caller and where its datagrams seem to come from.
  final class HarnessCaller {
    let client: CallClient
    var address: TransportAddress
    fileprivate(set) var callID: CallID?
    /// Nothing of what it sends arrives.
    var isUnheard = false
    /// The newest of its checks.
    fileprivate(set) var lastCheck: [UInt8] = []

    init(_ client: CallClient, _ address: TransportAddress) {
      self.client = client
      self.address = address
    }
  }

  /// The calls, as signalling asks for them.
  private struct Directory: CallDirectory {
    func shardForNewCall() -> ShardChoice { .shard(0) }
    func isAlive(_ call: CallReference) -> Bool { true }
    func figures(of call: CallReference) -> JsonObject? { nil }
    func callCount(of caller: Caller) -> Int { 0 }
  }

  static let identity = try! DtlsIdentity.generate()
  static let callerIdentity = try! DtlsIdentity.generate()
  static let tone = EncodedTone(hertz: 450)
  static let relay = TransportAddress(ipv4: 0x0A00_0002, port: 4_100)
  static let transceiver = TransceiverID(node: 1, shard: 0)

  var shard: Shard
  private(set) var now = Instant(nanoseconds: 9_000_000_000)
  private(set) var callers: [HarnessCaller] = []
  /// Whom the shard has told the relay to forget.
  private(set) var ended: [TransportAddress] = []
  /// Everything that the shard wanted done.
  private(set) var effects: [ShardEffect] = []
  /// Trunk datagrams that it has sent.
  private(set) var datagramsSent = 0
  /// How long after a turn what was said in it is with the kernel.
  var sendMilliseconds: UInt64 = 0
  /// What the thread's clocks show at the end of a second.
  var clocks = ShardClocks(busyNanoseconds: 0, nanoseconds: 0, lostUnread: 0)
  private let signalling: Signalling
  private var random = SeededRandom(seed: 11)
  private let key: TrunkKey?

  init(admission: AdmissionLimits = AdmissionLimits(), failsDtls: Bool = false) throws {
    let announced = TransportAddress(ipv4: 0x7F00_0001, port: 3_478)
    let keys = RoutingKeys.generate(random: &random)
    key = TrunkKey(keys.trunk)
    let fingerprint = try #require(
      Fingerprint(.sha256, bytes: Self.identity.fingerprint().digest))
    signalling = Signalling(
      SignallingOptions(
        candidates: [announced], fingerprint: fingerprint, backends: ["echo"], keys: keys,
        cluster: 1, node: 1))
    var configuration = ShardConfiguration(
      cluster: 1, transceiver: Self.transceiver, trunkKey: key
    ) { configuration, seed throws(DtlsSetupError) in
      if failsDtls { throw DtlsSetupError(description: "no memory") }
      return try OpenSslDtls(
        identity: ShardHarness.identity, configuration: configuration, seed: seed)
    }
    configuration.callsMax = 8
    configuration.admission = admission
    shard = Shard(configuration)
  }

  // MARK: - Calls

  /// A call that signalling has answered and that the shard knows of.
  func makeCall(from address: TransportAddress, channels: [String] = []) throws -> HarnessCaller {
    var options = CallClientOptions()
    options.channels = channels.map(CallerChannelOptions.init)
    let client = CallClient(
      tone: Self.tone, identity: Self.callerIdentity, options: options, random: &random)
    let caller = HarnessCaller(client, address)
    let request = ApiRequest(
      method: "POST", path: "/v1/realtime/calls",
      headers: [(name: "content-type", value: "application/sdp")], body: Array(client.offer.utf8))
    let outcome = signalling.handle(
      request, directory: Directory(), unixSeconds: 1_800_000_000, random: &random)
    guard case .create(let plan, let response) = outcome else {
      throw Refused(response: "\(outcome.response)")
    }
    caller.callID = plan.callID
    tell(.begin(plan, seeds()))
    try client.accept(answer: String(decoding: response.body, as: UTF8.self), at: now)
    callers.append(caller)
    return caller
  }

  struct Refused: Error { var response: String }

  private func seeds() -> CallSeeds {
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    return CallSeeds(handshake: bytes(32), session: bytes(32), identity: bytes(16))
  }

  /// A call that is connected.
  func makeConnectedCall(
    from address: TransportAddress, channels: [String] = []
  ) throws -> HarnessCaller {
    let caller = try makeCall(from: address, channels: channels)
    run(1_000)
    try #require(session(of: caller)?.isConnected == true)
    return caller
  }

  func hangUp(_ caller: HarnessCaller) throws { tell(.hangUp(try #require(caller.callID))) }

  func session(of caller: HarnessCaller) -> CallSession? {
    caller.callID.flatMap { shard.calls.slot($0) }.map { shard.calls[$0].session }
  }

  func tell(_ command: ShardCommand) {
    shard.take(command, at: now)
    drain()
  }

  /// The newest figures that were published of a call.
  func figures(of caller: HarnessCaller) -> CallFigures? {
    for case .figures(caller.callID, let figures) in effects.reversed() { return figures }
    return nil
  }

  // MARK: - Time

  /// Runs for `milliseconds`; `disturb` is called at each of them.
  func run(_ milliseconds: Int, disturb: (Int) -> Void = { _ in }) {
    for millisecond in 0..<milliseconds {
      now = now.advanced(byMilliseconds: 1)
      disturb(millisecond)
      for caller in callers {
        if caller.client.deadline <= now { caller.client.handleTimeout(at: now) }
        sendUp(of: caller)
      }
      turn()
    }
  }

  private func turn() {
    while shard.runDue(at: now) { drain() }
    if shard.isSecondOver(at: now) { shard.endSecond(clocks, at: now) }
    drain()
    if shard.hasRun { shard.noteSent(at: now.advanced(byMilliseconds: sendMilliseconds)) }
  }

  // MARK: - The relay

  private func sendUp(of caller: HarnessCaller) {
    var buffer = [UInt8](repeating: 0, count: 1_536)
    while let next = unsafe buffer.withUnsafeMutableBytes({
      unsafe caller.client.nextDatagram(into: $0)
    }) {
      let bytes = Array(buffer[..<next.length])
      if bytes[0] == 0, bytes[1] == 1 { caller.lastCheck = bytes }
      if !caller.isUnheard { inject([bytes], from: caller.address) }
    }
  }

  /// Brings the shard one datagram of the client at `address`.
  func inject(_ bytes: [UInt8], from address: TransportAddress) { inject([bytes], from: address) }

  /// Frames that the shard had sent when somebody looked.
  var packetsSeen: UInt64 = 0

  /// Time goes by, and nobody does anything.
  func pass(milliseconds: UInt64) { now = now.advanced(byMilliseconds: milliseconds) }

  /// The trunk datagrams with voice that a caller makes in so many milliseconds; nothing of them
  /// is delivered, and time stands still afterwards as it did before.
  func trunkDatagrams(of caller: HarnessCaller, milliseconds: Int) -> [[UInt8]] {
    var datagrams: [[UInt8]] = []
    var buffer = [UInt8](repeating: 0, count: 1_536)
    var then = now
    for _ in 0..<milliseconds {
      then = then.advanced(byMilliseconds: 1)
      if caller.client.deadline <= then { caller.client.handleTimeout(at: then) }
      while let next = unsafe buffer.withUnsafeMutableBytes({
        unsafe caller.client.nextDatagram(into: $0)
      }) {
        guard DatagramKind.classify(firstByte: buffer[0]) == .media, next.length > 80 else {
          continue
        }
        datagrams.append(trunkDatagram([Array(buffer[..<next.length])], from: caller.address))
      }
    }
    return datagrams
  }

  private func trunkDatagram(_ packets: [[UInt8]], from address: TransportAddress) -> [UInt8] {
    var datagram = [UInt8](repeating: 0, count: 9_216)
    let count = unsafe datagram.withUnsafeMutableBytes { buffer in
      var writer = unsafe BundleWriter(
        into: buffer,
        TrunkHeader(kind: .up, cluster: 1, transceiver: Self.transceiver, ingress: 1))
      for packet in packets {
        let isIn = unsafe packet.withUnsafeBytes {
          unsafe writer.append(TrunkFrame(listener: 0, client: address), $0)
        }
        #expect(isIn)
      }
      writer.seal(key)
      return writer.count
    }
    return Array(datagram[..<count])
  }

  /// Brings it one trunk datagram with these packets of a client; gives how often it paused.
  @discardableResult
  func inject(_ packets: [[UInt8]], from address: TransportAddress) -> Int {
    var pauses = 0
    var datagram = trunkDatagram(packets, from: address)
    unsafe datagram.withUnsafeMutableBytes { bytes in
      let received = unsafe ReceivedTrunkDatagram(
        bytes: bytes, isTruncated: false, relay: Self.relay)
      var progress = shard.takeDatagram(received, at: now)
      while case .paused(let cursor) = progress {
        pauses += 1
        drain()
        progress = shard.resume(received, cursor, at: now)
      }
    }
    drain()
    return pauses
  }

  /// Takes everything that the shard wants sent and done.
  private func drain() {
    while let datagram = shard.nextDatagram() {
      datagramsSent += 1
      takeFrames(unsafe Array(datagram.bytes))
    }
    effects += shard.effects
    shard.reset()
  }

  private func takeFrames(_ bytes: [UInt8]) {
    guard case .valid(let header) = unsafe TrunkDatagram.open(bytes.span.bytes, key),
      header.kind == .down, header.ingress == 1
    else {
      Issue.record("not a trunk datagram for the relay")
      return
    }
    var offset = TrunkHeader.bytes
    while case .frame(let frame, let payload) = unsafe TrunkDatagram.nextFrame(
      bytes.span.bytes, at: offset)
    {
      offset = payload.end
      if frame.ended { ended.append(frame.client) }
      let packet = Array(bytes[payload.offset..<payload.end])
      for caller in callers where caller.address == frame.client && !packet.isEmpty {
        var copy = packet
        unsafe copy.withUnsafeMutableBytes {
          unsafe caller.client.handle(
            $0, from: TransportAddress(ipv4: 0x7F00_0001, port: 3_478), at: now)
        }
      }
    }
  }
}
