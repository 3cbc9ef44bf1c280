import Backends
import CPacketLoop
import Dtls
import Log
import Paths
import Runtime
import ServiceClient
import Session
import Signalling
import Token
import Trunk
import Wire

/// One thread's share of the transceiver: a trunk socket, the sessions whose tokens name this
/// shard, and nothing that another thread touches except the mailbox.
///
/// Everything here runs on the shard's own thread, called by the packet loop.
final class Shard: LoopOwner {
  /// The only socket of a shard's loop.
  static let trunkSocket: UInt16 = 0

  /// What other threads may ask of a shard.
  enum Letter: Sendable {
    case begin(CallPlan, CallSeeds)
    case hangUp(CallID)
    /// What a call's line to its service tells.
    case service(CallID, ServiceLine, ServiceNews)
    /// What a WebSocket beside a call does.
    case sidebandJoined(CallID, SidebandLine)
    case sidebandSaid(CallID, SidebandLine, [UInt8])
    case sidebandLeft(CallID, SidebandLine)
    /// Somebody wants a report, as the answer to this question.
    case report(UInt64)
    /// End every call; the shard's loop stops when they are gone.
    case shutDown
  }

  struct Identity {
    var cluster: UInt16
    var transceiver: TransceiverID
  }

  let identity: Identity
  let key: TrunkKey?
  let mailbox: Mailbox<Letter>
  let registry: CallRegistry
  let log: Log
  let certificate: DtlsIdentity
  let limits: SessionLimits
  let voiceBitsPerSecond: Int32
  /// What every call's backend is told by the operator.
  let backends: [BackendKind: BackendSettings]
  /// The way to the AI service; nil when none is configured.
  let services: ServiceHub?
  let webMail: WebMail
  /// Leaves a letter for this shard, from any thread. Set before the shard runs.
  var post: @Sendable (Letter) -> Void = { _ in }
  var sessions: SessionTable
  var outbox = SessionOutbox()
  var downlink: Downlink
  /// What the ways to the relays carry.
  let paths: PathView
  /// For whoever watches the ways.
  var lossyCalls = LossyCalls()
  var counters = ShardCounters()
  /// Where the reports go that other threads ask for.
  let reports = ReportDesk<ShardReport>()
  /// Slots by call ID: for hang-ups and figures, not for packets.
  var slots: [CallID: SessionTable.Slot] = [:]
  var described: [CallID: CallFigures] = [:]
  var ties: [CallID: CallTies] = [:]
  var nextFiguresAt = Instant(nanoseconds: 0)
  /// How it keeps up, and whether it may have more calls.
  var watch: ShardWatch
  /// When the sessions of this turn wanted to run.
  var dueInTurn: [Instant] = []

  init(
    identity: Identity, options: TransceiverOptions, certificate: DtlsIdentity,
    mailbox: Mailbox<Letter>, registry: CallRegistry, services: ServiceHub?, webMail: WebMail,
    paths: PathView, log: Log
  ) {
    self.identity = identity
    self.mailbox = mailbox
    self.registry = registry
    self.log = log
    self.certificate = certificate
    key = TrunkKey(options.keys.trunk)
    limits = options.limits
    voiceBitsPerSecond = Int32(options.voiceBitsPerSecond)
    backends = options.backends
    self.services = services
    self.webMail = webMail
    sessions = SessionTable(capacity: options.maximumCalls)
    watch = ShardWatch(options.admission)
    self.paths = paths
    downlink = Downlink(
      key: key, cluster: identity.cluster, transceiver: identity.transceiver, paths)
  }

  // MARK: - Packets

  /// One receive batch of the trunk socket.
  func handle(
    _ batch: UnsafeBufferPointer<pl_datagram>, at now: Instant, through loop: OpaquePointer
  ) {
    unsafe readMail(at: now, through: loop)
    for index in batch.indices {
      unsafe handle(batch[index], at: now, through: loop)
    }
    unsafe downlink.flush(through: loop)
    counters.takingIn.note(nanoseconds: unsafe pl_now() &- pl_loop_waiting_since(loop))
  }

  private func handle(_ datagram: pl_datagram, at now: Instant, through loop: OpaquePointer) {
    guard unsafe datagram.truncated == 0 else {
      counters.truncated &+= 1
      return
    }
    let bytes = unsafe UnsafeMutableRawBufferPointer(
      start: datagram.bytes, count: Int(datagram.length))
    let relay = unsafe TransportAddress(datagram.peer)
    switch TrunkDatagram.open(unsafe UnsafeRawBufferPointer(bytes).bytes, key) {
    case .valid(let header):
      guard header.cluster == identity.cluster, header.transceiver == identity.transceiver,
        header.kind == .up
      else {
        counters.misdirected &+= 1
        counters.lastMisdirected = header
        return
      }
      counters.bundles &+= 1
      paths.note(arrival: bytes.count, at: paths.findOrAdd(relay))
      unsafe handleFrames(bytes, header, from: relay, at: now, through: loop)
    case .forged: counters.forged &+= 1
    case .short, .unknownVersion, .unknownKind: counters.malformed &+= 1
    }
  }

  private func handleFrames(
    _ bytes: UnsafeMutableRawBufferPointer, _ header: TrunkHeader, from relay: TransportAddress,
    at now: Instant, through loop: OpaquePointer
  ) {
    var offset = TrunkHeader.bytes
    while true {
      switch TrunkDatagram.nextFrame(unsafe UnsafeRawBufferPointer(bytes).bytes, at: offset) {
      case .end: return
      case .malformed:
        counters.malformedBundles &+= 1
        return
      case .frame(let frame, let payload):
        let path = PathID(
          relay: relay, ingress: header.ingress, listener: frame.listener, client: frame.client)
        let packet = unsafe UnsafeMutableRawBufferPointer(
          rebasing: bytes[payload.offset..<payload.end])
        unsafe deliver(packet, from: path, at: now, through: loop)
        offset = payload.end
      }
    }
  }

  /// Gives a client's packet to its session: STUN requests by the ufrag that they name, the rest by
  /// path, the newest session first.
  private func deliver(
    _ packet: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant,
    through loop: OpaquePointer
  ) {
    counters.packets &+= 1
    if let token = Self.ufrag(in: unsafe UnsafeRawBufferPointer(packet).bytes) {
      guard let slot = sessions.slot(ufrag: token) else {
        counters.unknownUfrag &+= 1
        return
      }
      if unsafe offer(packet, to: slot, from: path, at: now, through: loop) {
        sessions.learn(path, for: slot)
      }
      return
    }
    guard let owners = sessions.owners(of: path), let first = owners.first else {
      counters.unknownPath &+= 1
      return
    }
    if let second = owners.second {
      unsafe deliver(packet, toEither: (first, second), from: path, at: now, through: loop)
    } else {
      _ = unsafe offer(packet, to: first, from: path, at: now, through: loop)
    }
  }

  /// What the first of two sessions refuses may be the second's. DTLS is shown to both: a record in
  /// the clear does not say whose it is. Each gets bytes of its own, because undoing SRTP under the
  /// wrong keys spoils a packet.
  private func deliver(
    _ packet: UnsafeMutableRawBufferPointer,
    toEither owners: (first: SessionTable.Slot, second: SessionTable.Slot), from path: PathID,
    at now: Instant, through loop: OpaquePointer
  ) {
    guard packet.count > 0 else { return }
    let isForBoth = unsafe DatagramKind.classify(firstByte: packet[0]) == .dtls
    unsafe withUnsafeTemporaryAllocation(byteCount: packet.count, alignment: 16) { copy in
      unsafe copy.copyMemory(from: UnsafeRawBufferPointer(packet))
      let isTaken = unsafe offer(packet, to: owners.first, from: path, at: now, through: loop)
      if isTaken && !isForBoth { return }
      _ = unsafe offer(copy, to: owners.second, from: path, at: now, through: loop)
    }
  }

  /// Our ufrag in a STUN message's USERNAME; nil for everything that has none.
  private static func ufrag(in bytes: RawSpan) -> RoutingToken? {
    guard !bytes.isEmpty, DatagramKind.classify(firstByte: bytes.u8(at: 0)) == .stun,
      case .message(let message) = StunMessage.parse(bytes),
      let range = message.localUfrag(in: bytes)
    else { return nil }
    return RoutingToken(bytes, at: range.offset, length: range.count)
  }

  private func offer(
    _ packet: UnsafeMutableRawBufferPointer, to slot: SessionTable.Slot, from path: PathID,
    at now: Instant, through loop: OpaquePointer
  ) -> Bool {
    let verdict = unsafe sessions[slot].handle(packet, from: path, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
    return verdict == .accepted
  }

  // MARK: - What a session wants

  /// Sends what the session queued, logs what it noted, and takes it out when it has ended.
  func drain(_ slot: SessionTable.Slot, at now: Instant, through loop: OpaquePointer) {
    for index in 0..<outbox.count {
      let item = outbox.item(index)
      // The relay must not forget a client that another session still serves.
      if item.ended && sessions.isShared(item.path, besides: slot) { continue }
      let bytes =
        unsafe item.ended
        ? UnsafeRawBufferPointer(start: nil, count: 0) : outbox.bytes(index)
      unsafe downlink.append(
        bytes, to: item.path, proven: item.proven, ended: item.ended, through: loop)
    }
    if !outbox.actions.isEmpty { perform(outbox.actions, for: sessions.callID(slot)) }
    if !outbox.events.isEmpty { report(outbox.events, of: slot, at: now) }
    outbox.clear()
    if sessions[slot].end == nil {
      sessions.refreshDeadline(slot)
    } else {
      retire(slot)
    }
  }

  private func retire(_ slot: SessionTable.Slot) {
    let callID = sessions.callID(slot)
    untie(callID)
    slots[callID] = nil
    described[callID] = nil
    sessions.remove(slot)
    registry.end(CallReference(callID: callID, shard: identity.transceiver.shard))
  }
}
