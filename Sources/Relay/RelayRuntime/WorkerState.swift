import CPacketLoop
import Glibc
import Paths
import RelayCore
import Runtime
import Synchronization
import Token
import Wire

/// One worker as its thread and the main thread see it; it lives behind a pointer.
///
/// The thread owns `core`, `sockets` and `ways`. The main thread asks for a report by `wanted`; the
/// thread makes it between two batches, so nothing on the packet path waits for anybody.
@safe struct WorkerState: ~Copyable {
  /// What the relay thinks; touched by the worker's thread alone.
  var core: RelayWorker
  /// What the loop's sockets are for.
  var sockets: SocketTable
  /// What the ways to the transceivers carry; the worker's own.
  var ways: WaysOut
  /// The number of the last question that was answered; the worker's own.
  var lastAnswered: UInt64 = 0
  /// The number of the main thread's last question.
  let wanted = Atomic<UInt64>(0)
  /// Where the answers are laid down.
  let reports: ReportDesk<PublishedReport>

  init(
    core: consuming RelayWorker, sockets: consuming SocketTable, ways: consuming WaysOut,
    reports: ReportDesk<PublishedReport>
  ) {
    self.core = core
    self.sockets = sockets
    self.ways = ways
    self.ways.adopt(into: &self.core)
    self.reports = reports
  }
}

/// A worker's counters at one moment.
struct PublishedReport: Sendable {
  var counters = RelayCounters()
  var routes = 0
  var evidence = Evidence()
  /// What each transceiver was sent and said, by place.
  var traffic: [TransceiverTraffic] = []
}

extension PublishedReport {
  /// What `core` has done. Allocates.
  init(_ core: borrowing RelayWorker) {
    counters = core.counters
    routes = core.routeCount
    evidence = core.evidence
    traffic = core.traffic
  }
}

extension WorkerState {
  /// A batch has come: routes it and sends what comes of it. On the worker's thread; allocates
  /// nothing.
  mutating func take(
    _ batch: UnsafeBufferPointer<pl_datagram>, loop: OpaquePointer, at now: Instant
  ) {
    guard let first = unsafe batch.first else { return }
    core.tokenMinutes = tokenMinutesNow()
    if ways.haveChanged { ways.adopt(into: &core) }
    switch unsafe sockets.use(of: first.socket) {
    case .trunk: unsafe takeFromTrunk(batch, loop, now)
    case .listener(let listener):
      switch listener.transport {
      case .udp: unsafe takeFromClients(batch, listener.number, loop, now)
      }
    case .none: preconditionFailure("the loop has a socket that nobody has told of")
    }
    unsafe drain(into: loop)
  }

  private mutating func takeFromClients(
    _ batch: UnsafeBufferPointer<pl_datagram>, _ listener: UInt8, _ loop: OpaquePointer,
    _ now: Instant
  ) {
    var index = 0
    while index < batch.count {
      unsafe core.announce(client: TransportAddress(batch[index].peer), listener: listener)
      index += 1
    }
    index = 0
    while index < batch.count {
      if core.needsDrain { unsafe drain(into: loop) }
      unsafe core.takeClientDatagram(ReceivedDatagram(batch[index]), listener: listener, at: now)
      index += 1
    }
  }

  private mutating func takeFromTrunk(
    _ batch: UnsafeBufferPointer<pl_datagram>, _ loop: OpaquePointer, _ now: Instant
  ) {
    var index = 0
    while index < batch.count {
      if core.needsDrain { unsafe drain(into: loop) }
      unsafe core.takeTrunkDatagram(ReceivedDatagram(batch[index]), at: now)
      index += 1
    }
  }

  /// Sends everything that waits, so that its memory can be used again.
  private mutating func drain(into loop: OpaquePointer) {
    core.finishBatch()
    var index = 0
    let count = core.outgoingCount
    guard count > 0 else { return }
    while index < count {
      let item = core.outgoing(at: index)
      var peer = pl_address(item.destination)
      let socket = sockets.index(for: item.exit)
      index += 1
      if item.isTooLong {
        unsafe TrunkRebuilder.send(item.bytes, peer, through: loop, socket)
        continue
      }
      unsafe pl_loop_send(
        loop, socket, item.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self),
        UInt32(truncatingIfNeeded: item.bytes.count), &peer)
    }
    unsafe pl_loop_flush(loop)
    if unsafe ways.rebuilder.sendRefused(through: loop, sockets.trunk) { ways.adopt(into: &core) }
    core.reset()
  }

  /// After the batches: house-keeping, and a report when one is wanted. Returns the next deadline.
  mutating func turn(at now: Instant) -> Instant {
    let wanted = wanted.load(ordering: .acquiring)
    if wanted != lastAnswered {
      reports.answer(wanted, PublishedReport(core))
      lastAnswered = wanted
    }
    return core.onTurn(at: now)
  }
}

extension ReceivedDatagram {
  /// The loop's datagram as the core takes it; copies nothing but the address.
  @inline(__always)
  init(_ datagram: pl_datagram) {
    unsafe self.init(
      bytes: UnsafeRawBufferPointer(start: datagram.bytes, count: Int(datagram.length)),
      isTruncated: datagram.truncated != 0, peer: TransportAddress(datagram.peer))
  }
}

/// The time of day as tokens count it.
private func tokenMinutesNow() -> UInt32 {
  var now = timespec()
  unsafe clock_gettime(CLOCK_REALTIME_COARSE, &now)
  return TokenClock.minutes(unixSeconds: Int64(now.tv_sec))
}
