import Backends
import CPacketLoop
import Glibc
import Paths
import Runtime
import ServiceClient
import Session
import Signalling
import Token
import TransceiverCore
import Trunk
import Wire

/// What one shard's packet loop works for: brings a `Shard` its datagrams, commands and time, sends
/// what it wants sent, and has its effects done.
///
/// Everything here runs on the shard's own thread, called by the packet loop.
final class ShardLoop: LoopOwner {
  /// The only socket of a shard's loop.
  static let trunkSocket: UInt16 = 0

  /// What other threads may ask of a shard.
  enum Letter: Sendable {
    /// The HTTP request of this number is answered when the call is there.
    case begin(CallPlan, CallSeeds, request: UInt64)
    case hangUp(CallID)
    /// What a connection to a service tells.
    case service(ServiceID, ServiceLine, ServiceNews)
    /// What a WebSocket beside a call does.
    case sideband(CallID, SidebandLine, Sidebands.News)
    /// Somebody wants a report, as the answer to this question.
    case report(UInt64)
    /// End every call; the shard's loop stops when they are gone.
    case shutDown
  }

  var shard: Shard
  let mailbox: Mailbox<Letter>
  let effects: ShardEffects
  /// Where the reports go that other threads ask for.
  let reports = ReportDesk<ShardReport>()
  private var ways: RelayWays
  private let rebuilder: TrunkRebuilder

  init(
    _ configuration: ShardConfiguration, mailbox: Mailbox<Letter>, effects: ShardEffects,
    paths: PathView
  ) {
    shard = Shard(configuration)
    self.mailbox = mailbox
    self.effects = effects
    ways = RelayWays(paths)
    rebuilder = TrunkRebuilder(
      bytesMax: configuration.trunkBytesMax, key: configuration.trunkKey, paths)
  }

  // MARK: - Called by the loop

  /// One receive batch of the trunk socket.
  func handle(
    _ batch: UnsafeBufferPointer<pl_datagram>, at now: Instant, through loop: OpaquePointer
  ) {
    // A client's first check may overtake the turn in which its call would begin.
    unsafe readMail(at: now, through: loop)
    for index in batch.indices {
      unsafe take(ReceivedTrunkDatagram(batch[index]), at: now, through: loop)
    }
    unsafe drain(through: loop)
    shard.noteReceived(nanosecondsWaited: unsafe pl_now() &- pl_loop_waiting_since(loop))
  }

  /// Once per turn of the loop: mail, timers, figures. Answers with the next deadline.
  func turn(at now: Instant, through loop: OpaquePointer) -> Instant {
    ways.follow(&shard)
    unsafe readMail(at: now, through: loop)
    while shard.runDue(at: now) { unsafe drain(through: loop) }
    if shard.isSecondOver(at: now) { shard.endSecond(unsafe clocks(loop), at: now) }
    unsafe send(through: loop)
    if shard.hasRun { shard.noteSent(at: Instant(nanoseconds: pl_now())) }
    performEffects()
    return shard.endTurn()
  }

  // MARK: - In

  private func take(
    _ datagram: ReceivedTrunkDatagram, at now: Instant, through loop: OpaquePointer
  ) {
    var progress = shard.takeDatagram(datagram, at: now)
    if case .refused = progress { return }
    ways.noteArrival(unsafe datagram.bytes.count, from: datagram.relay, into: &shard)
    while case .paused(let cursor) = progress {
      unsafe drain(through: loop)
      progress = shard.resume(datagram, cursor, at: now)
    }
  }

  /// Takes the commands that wait; a look at a flag when there are none.
  private func readMail(at now: Instant, through loop: OpaquePointer) {
    for letter in mailbox.collect() {
      if shard.needsDrain { unsafe drain(through: loop) }
      unsafe take(letter, at: now, through: loop)
    }
  }

  private func take(_ letter: Letter, at now: Instant, through loop: OpaquePointer) {
    switch letter {
    case .begin(let plan, let seeds, let request):
      effects.expect(plan.callID, request: request)
      shard.take(.begin(plan, seeds), at: now)
    case .hangUp(let callID): shard.take(.hangUp(callID), at: now)
    case .service(let service, let line, let news):
      line.noteHandled(news)
      shard.take(.service(service, news), at: now)
    case .sideband(let callID, let line, let news):
      shard.take(effects.command(callID, line, news), at: now)
    case .report(let question): reports.answer(question, shard.makeReport())
    case .shutDown:
      while shard.endCalls(.shuttingDown, at: now) { unsafe drain(through: loop) }
      unsafe drain(through: loop)
      unsafe pl_loop_stop(loop)
    }
  }

  // MARK: - Out

  /// Sends everything that waits, and has everything done.
  private func drain(through loop: OpaquePointer) {
    unsafe send(through: loop)
    performEffects()
  }

  private func send(through loop: OpaquePointer) {
    while let datagram = shard.nextDatagram() { unsafe send(datagram, through: loop) }
    unsafe pl_loop_flush(loop)
    if unsafe rebuilder.sendRefused(through: loop, Self.trunkSocket) { ways.follow(&shard) }
  }

  private func performEffects() {
    for effect in shard.effects { effects.perform(effect) }
    shard.reset()
  }

  private func send(_ datagram: OutgoingTrunkDatagram, through loop: OpaquePointer) {
    var relay = pl_address(datagram.relay)
    if datagram.isTooLong {
      return unsafe TrunkRebuilder.send(datagram.bytes, relay, through: loop, Self.trunkSocket)
    }
    let first = unsafe datagram.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe pl_loop_send(
      loop, Self.trunkSocket, first, UInt32(datagram.bytes.count), &relay)
  }

  // MARK: - Clocks

  private func clocks(_ loop: OpaquePointer) -> ShardClocks {
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    return ShardClocks(
      busyNanoseconds: Self.threadNanoseconds(), nanoseconds: pl_now(),
      lostUnread: SocketCounters(counters).lost(besides: 0))
  }

  /// What the calling thread has had of a CPU so far.
  private static func threadNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension ReceivedTrunkDatagram {
  /// The loop's datagram as the shard takes it; copies nothing but the address.
  fileprivate init(_ datagram: pl_datagram) {
    unsafe self.init(
      bytes: UnsafeMutableRawBufferPointer(start: datagram.bytes, count: Int(datagram.length)),
      isTruncated: datagram.truncated != 0, relay: TransportAddress(datagram.peer))
  }
}
