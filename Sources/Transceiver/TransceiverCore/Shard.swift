import Backends
import Session
import Signalling
import Token
import Trunk
package import Wire

/// One share of a transceiver's calls, pure: trunk datagrams, commands and time in; trunk datagrams
/// and effects out. No socket, clock, thread, lock, log or random source inside.
///
/// The law of whoever runs it: `takeDatagram` and `resume`, `take` a command, or `runDue`; drain
/// where these say that they want it, before a command that finds the shard `needsDrain`, and when
/// the turn is over; then `endTurn` says when the next one is due. To drain is to send every
/// `nextDatagram`, to do the `effects` in order, and to `reset`. One thread.
package struct Shard: ~Copyable {
  let configuration: ShardConfiguration
  var calls: CallTable
  var outbox = SessionOutbox()
  var bundles: RelayBundles
  /// What waits to be done outside, in order.
  package internal(set) var effects: [ShardEffect] = []
  /// Where datagrams and packets ended, and calls.
  package internal(set) var counters = ShardCounters()
  var lossyCalls = LossyCalls()
  /// How it keeps up, and whether it may have more calls.
  var load: ShardLoad
  /// When the calls of this turn wanted to run.
  var dueInTurn: [Instant] = []
  var nextSecondAt = Instant(nanoseconds: 0)
  var servicesOpened: UInt32 = 0

  /// Bundles that one packet can begin, shown to two calls, each of which fills its outbox.
  private let bundlesPerStepMax: Int
  private static let bundlesSpare = 64
  /// Effects that wait at most before the next step.
  private static let effectsMax = 1_024

  /// Takes all memory that does not depend on how many calls there will be. Traps where the
  /// configuration is out of range.
  package init(_ configuration: ShardConfiguration) {
    self.configuration = configuration
    calls = CallTable(capacity: configuration.callsMax)
    load = ShardLoad(configuration.admission)
    // Nothing of `self` is read before all of it is there; see `RelayWorker.init`.
    let perStep = 2 * SessionOutbox.capacityUsual
    bundlesPerStepMax = perStep
    let header = TrunkHeader(
      kind: .down, cluster: configuration.cluster, transceiver: configuration.transceiver,
      ingress: 0)
    bundles = RelayBundles(
      header, key: configuration.trunkKey, bundlesMax: perStep + Self.bundlesSpare,
      bundleBytesMax: configuration.bundleBytesMax)
  }

  /// Which of the cluster's transceivers it is.
  package var transceiver: TransceiverID { configuration.transceiver }

  /// Calls that live here.
  package var callCount: Int { calls.count }

  /// Sets what the way to a relay carries; see `RelayBundles`.
  package mutating func setWay(to relay: TransportAddress, bundleBytes: Int, wholeBytes: Int) {
    bundles.setWay(to: relay, bundleBytes: bundleBytes, wholeBytes: wholeBytes)
  }

  // MARK: - Out

  /// Whether whoever runs the shard must drain before the next command.
  package var needsDrain: Bool {
    bundles.room < bundlesPerStepMax || effects.count >= Self.effectsMax
  }

  /// The next datagram to send; nil when all have been given out.
  package mutating func nextDatagram() -> OutgoingTrunkDatagram? { bundles.nextDatagram() }

  /// Everything was sent and done.
  package mutating func reset() {
    bundles.reset()
    if !effects.isEmpty { effects.removeAll(keepingCapacity: true) }
  }

  // MARK: - Time

  /// Lets the calls run that are due at `now`. True when the shard has to be drained before the
  /// rest of them: then once more.
  package mutating func runDue(at now: Instant) -> Bool {
    while let slot = calls.due(at: now) {
      if needsDrain { return true }
      dueInTurn.append(calls.nextDeadline)
      calls[slot].session.handleTimeout(at: now, into: &outbox)
      drain(slot, at: now)
    }
    return false
  }

  /// Whether calls have run since the last `noteSent`.
  package var hasRun: Bool { mutating get { !dueInTurn.isEmpty } }

  /// Notes that everything that the calls had to say in this turn is with the kernel at `instant`.
  package mutating func noteSent(at instant: Instant) {
    // By index: an iterator would hold the array, and emptying it would cost a new one.
    for index in 0..<dueInTurn.count {
      let elapsed = instant.nanoseconds(since: dueInTurn[index])
      counters.sendDelay.note(nanoseconds: elapsed)
      load.noteFrame(nanosecondsLate: elapsed)
    }
    dueInTurn.removeAll(keepingCapacity: true)
  }

  /// When `runDue` or `endSecond` has something to do. (Mutating, here and elsewhere: whoever keeps
  /// a shard in an object would have it copied to be read.)
  package mutating func endTurn() -> Instant {
    min(calls.nextDeadline, calls.count > 0 ? nextSecondAt : .never)
  }

  /// Notes how long the packets of a batch waited before they were with their calls.
  package mutating func noteReceived(nanosecondsWaited: UInt64) {
    counters.receiveDelay.note(nanoseconds: nanosecondsWaited)
  }

  // MARK: - What a session wants

  /// Takes what the session of `slot` has queued, and takes the call out when it has ended.
  mutating func drain(_ slot: CallTable.Slot, at now: Instant) {
    let call = calls[slot]
    for index in 0..<outbox.count {
      let item = outbox.item(index)
      // The relay must not forget a client that another call still serves.
      if item.ended && calls.isShared(item.path, besides: slot) { continue }
      let bytes =
        unsafe item.ended
        ? UnsafeRawBufferPointer(start: nil, count: 0) : outbox.bytes(index)
      unsafe bundles.append(bytes, to: item.path, proven: item.proven, ended: item.ended)
    }
    if !outbox.actions.isEmpty { heed(outbox.actions, of: call, at: slot) }
    if !outbox.events.isEmpty { note(outbox.events, of: call) }
    outbox.clear()
    if call.session.end == nil {
      calls.setDeadline(of: slot, to: call.session.deadline)
    } else {
      retire(call, slot)
    }
  }

  /// The call is over: nothing of it stays open.
  private mutating func retire(_ call: Call, _ slot: CallTable.Slot) {
    closeService(of: call)
    for client in call.clients {
      effects.append(.closeClient(client, code: 1_000, reason: Self.endedText))
    }
    calls.remove(slot)
    effects.append(.callEnded(reference(to: call.callID)))
  }

  /// What a connection beside a call is told when there is no call.
  static let endedText = "The call has ended."

  func reference(to callID: CallID) -> CallReference {
    CallReference(callID: callID, shard: configuration.transceiver.shard)
  }

  private mutating func note(_ events: [SessionEvent], of call: Call) {
    for event in events { note(event, of: call) }
  }

  private mutating func note(_ event: SessionEvent, of call: Call) {
    switch event {
    case .connected(_, let milliseconds, let profile):
      call.figures.connectMilliseconds = milliseconds
      call.figures.srtpProfile = profile
    case .channelsLost(let reason, _): call.figures.channelsLost = reason
    case .ended(let reason, let milliseconds):
      counters.ended[reason.name, default: 0] &+= 1
      let figures = call.session.figures
      if reason == .neverConnected, figures.setUp == .noCheck { counters.callsUnseen &+= 1 }
      effects.append(
        .event(call.callID, .ended(reason, afterMilliseconds: milliseconds, figures)))
      return
    case .reached, .channelOpened, .recordForged, .moved: break
    }
    effects.append(.event(call.callID, .session(event)))
  }
}
