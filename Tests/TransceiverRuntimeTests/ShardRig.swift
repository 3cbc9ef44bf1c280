import Backends
import CPacketLoop
import CallClient
import Crypto
import Dtls
import Glibc
import Log
import Paths
import Runtime
import Sdp
import Session
import Signalling
import Testing
import Token
import Trunk
import Wire

@testable import TransceiverRuntime

/// A shard without its thread, and callers that reach it through one relay. The clock is virtual;
/// only what the shard sends goes through a real socket, to the relay's.
@safe final class ShardRig {
  /// A caller and where its datagrams seem to come from.
  final class Caller {
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

  static let identity = try! DtlsIdentity.generate()
  static let callerIdentity = try! DtlsIdentity.generate()
  static let tone = EncodedTone(hertz: 450)

  let shard: Shard
  private(set) var now = Instant(nanoseconds: 9_000_000_000)
  private(set) var callers: [Caller] = []
  /// Whom the shard has told the relay to forget.
  private(set) var ended: [TransportAddress] = []
  private let loop: OpaquePointer
  private let relay: Int32
  private var received: UInt64 = 0
  private let relayAddress: pl_address
  let registry = CallRegistry(shards: 1, maximum: 8)
  private let signalling: Signalling
  private var random = SeededRandom(seed: 11)
  private let paths: PathTable

  /// - Parameter admission: the clock here is another than the machine's, so frames seem late, and
  ///   without it a shard only says so.
  init(
    admission: AdmissionLimits = ShardRig.patient, log: Log = Log(program: "test", descriptor: -1)
  ) throws {
    let loopback = TransportAddress(ipv4: 0x7F00_0001, port: 0)
    let announced = TransportAddress(ipv4: 0x7F00_0001, port: 3_478)
    let keys = RoutingKeys.generate(random: &random)
    paths = PathTable(from: loopback, bundleBytesMax: 1_400, pathsMax: 4)
    var options = TransceiverOptions(
      http: loopback, trunk: loopback, node: 1, cluster: 1, shards: 1, candidates: [announced],
      backend: .echo, keys: keys)
    options.admission = admission
    let fingerprint = try #require(
      Fingerprint(.sha256, bytes: Self.identity.fingerprint().digest))
    signalling = Signalling(
      SignallingOptions(
        candidates: [announced], fingerprint: fingerprint, backends: ["echo"], keys: keys,
        cluster: 1, node: 1))
    shard = Shard(
      identity: Shard.Identity(cluster: 1, transceiver: TransceiverID(node: 1, shard: 0)),
      options: options, certificate: Self.identity, mailbox: Mailbox(), registry: registry,
      services: nil, webMail: WebMail {}, paths: paths.view, log: log)
    (relay, relayAddress) = try Self.open(loopback)
    unsafe loop = try Self.makeLoop(loopback)
  }

  private static var patient: AdmissionLimits {
    var limits = AdmissionLimits()
    limits.refuses = false
    return limits
  }

  deinit {
    unsafe pl_loop_destroy(loop)
    close(relay)
  }

  private static func open(_ address: TransportAddress) throws -> (Int32, pl_address) {
    var options = pl_socket_options()
    options.local = pl_address(address)
    var bound = pl_address()
    let descriptor = unsafe pl_socket_open(&options, &bound, nil)
    try #require(descriptor >= 0)
    return (descriptor, bound)
  }

  private static func makeLoop(_ address: TransportAddress) throws -> OpaquePointer {
    var options = unsafe pl_loop_options()
    unsafe options.numa_node = -1
    unsafe options.handlers.on_batch = { _, _, _, _, _ in }
    unsafe options.handlers.on_turn = { _, _, _ in .max }
    let loop = try unsafe #require(pl_loop_create(&options, nil))
    let index = try unsafe pl_loop_add_socket(loop, open(address).0, 2_048, nil)
    try #require(index == 0)
    return unsafe loop
  }

  // MARK: - Calls

  /// A call that signalling has answered and that the shard knows of.
  func makeCall(from address: TransportAddress, channels: [String] = []) throws -> Caller {
    var wishes = CallClientOptions()
    wishes.channels = channels.map(CallerChannelOptions.init)
    let client = CallClient(
      tone: Self.tone, identity: Self.callerIdentity, options: wishes, random: &random)
    let caller = Caller(client, address)
    let request = ApiRequest(
      method: "POST", path: "/v1/realtime/calls",
      headers: [(name: "content-type", value: "application/sdp")], body: Array(client.offer.utf8))
    let outcome = signalling.handle(
      request, directory: registry, unixSeconds: 1_800_000_000, random: &random)
    guard case .create(let plan, let response) = outcome else {
      throw TransceiverFailure(description: "the offer was refused: \(outcome.response)")
    }
    registry.begin(
      plan.reference, CallFigures(plan, TransceiverID(node: 1, shard: 0)), by: plan.caller)
    caller.callID = plan.callID
    shard.mailbox.post(.begin(plan, CallSeeds.fresh()))
    turn()
    try client.accept(answer: String(decoding: response.body, as: UTF8.self), at: now)
    callers.append(caller)
    return caller
  }

  /// A call that is connected.
  func makeConnectedCall(
    from address: TransportAddress, channels: [String] = []
  ) throws -> Caller {
    let caller = try makeCall(from: address, channels: channels)
    run(1_000)
    try #require(session(of: caller)?.isConnected == true)
    return caller
  }

  func hangUp(_ caller: Caller) throws {
    shard.mailbox.post(.hangUp(try #require(caller.callID)))
    turn()
  }

  func session(of caller: Caller) -> CallSession? {
    caller.callID.flatMap { shard.slots[$0] }.map { shard.sessions[$0] }
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
    _ = unsafe shard.turn(at: now, through: loop)
    receiveDown()
  }

  // MARK: - The relay

  private func sendUp(of caller: Caller) {
    var buffer = [UInt8](repeating: 0, count: 1_536)
    while let next = unsafe buffer.withUnsafeMutableBytes({
      unsafe caller.client.nextDatagram(into: $0)
    }) {
      let bytes = Array(buffer[..<next.length])
      if bytes[0] == 0, bytes[1] == 1 { caller.lastCheck = bytes }
      if !caller.isUnheard { inject(bytes, from: caller.address) }
    }
  }

  /// Brings the shard one datagram of the client at `address`.
  func inject(_ bytes: [UInt8], from address: TransportAddress) {
    var datagram = [UInt8](repeating: 0, count: 2_048)
    unsafe datagram.withUnsafeMutableBytes { buffer in
      var writer = unsafe BundleWriter(
        into: buffer,
        TrunkHeader(
          kind: .up, cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), ingress: 1))
      let isIn = unsafe bytes.withUnsafeBytes {
        unsafe writer.append(TrunkFrame(listener: 0, client: address), $0)
      }
      #expect(isIn)
      writer.seal(shard.key)
      var received = unsafe pl_datagram()
      unsafe received.bytes = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      unsafe received.length = UInt32(writer.count)
      unsafe received.peer = relayAddress
      unsafe withUnsafePointer(to: received) {
        unsafe shard.handle(
          UnsafeBufferPointer(start: $0, count: 1), at: now, through: loop)
      }
    }
    receiveDown()
  }

  /// Takes everything that the shard has sent, however long the kernel takes to bring it.
  private func receiveDown() {
    var buffer = [UInt8](repeating: 0, count: 2_048)
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    while received < counters.sent {
      var wanted = pollfd(fd: relay, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&wanted, 1, 60_000) == 1,
        case let count = unsafe recv(relay, &buffer, buffer.count, 0), count > 0
      else {
        Issue.record("\(counters.sent) datagrams were sent, \(received) came")
        return
      }
      received += 1
      let bytes = Array(buffer[..<count])
      guard case .valid = unsafe TrunkDatagram.open(bytes.span.bytes, shard.key) else {
        Issue.record("not a trunk datagram")
        return
      }
      takeFrames(bytes)
    }
  }

  private func takeFrames(_ bytes: [UInt8]) {
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
