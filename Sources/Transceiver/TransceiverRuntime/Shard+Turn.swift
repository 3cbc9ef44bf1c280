import Backends
import CPacketLoop
import Dtls
import Log
import Runtime
import Session
import Signalling
import Token
import Wire

extension Shard {
  /// Once per turn of the loop: mail, timers, figures. Answers with the next deadline.
  func turn(at now: Instant, through loop: OpaquePointer) -> Instant {
    unsafe readMail(at: now, through: loop)
    while let slot = sessions.due(at: now) {
      dueInTurn.append(sessions.nextDeadline)
      sessions[slot].handleTimeout(at: now, into: &outbox)
      unsafe drain(slot, at: now, through: loop)
    }
    if nextFiguresAt <= now {
      publishFigures(at: now)
      unsafe judge(at: now, through: loop)
    }
    unsafe downlink.flush(through: loop)
    noteDue()
    let figuresDue = sessions.count > 0 ? nextFiguresAt : .never
    return min(sessions.nextDeadline, figuresDue)
  }

  /// Everything that this turn's sessions had to say is with the kernel.
  private func noteDue() {
    guard !dueInTurn.isEmpty else { return }
    let end = Instant(nanoseconds: pl_now())
    for due in dueInTurn {
      let elapsed = end.nanoseconds(since: due)
      counters.sayingOut.note(nanoseconds: elapsed)
      watch.noteFrame(nanosecondsLate: elapsed)
    }
    dueInTurn.removeAll(keepingCapacity: true)
  }

  /// Takes the commands that wait; a look at a flag when there are none. Also before each batch: a
  /// client's first check may overtake the turn in which its call would begin.
  func readMail(at now: Instant, through loop: OpaquePointer) {
    for letter in mailbox.collect() { unsafe handle(letter, at: now, through: loop) }
  }

  private func handle(_ letter: Letter, at now: Instant, through loop: OpaquePointer) {
    switch letter {
    case .begin(let plan, let seeds): begin(plan, seeds, at: now)
    case .hangUp(let callID):
      if let slot = slots[callID] {
        unsafe end(slot, .hungUp, at: now, through: loop)
      }
    case .service(let callID, let line, let news):
      unsafe handle(news, from: line, of: callID, at: now, through: loop)
    case .sidebandJoined(let callID, let line):
      unsafe join(line, to: callID, at: now, through: loop)
    case .sidebandSaid(let callID, let line, let event):
      unsafe handle(event, from: line, of: callID, at: now, through: loop)
    case .sidebandLeft(let callID, let line):
      unsafe leave(line, callID, at: now, through: loop)
    case .report(let question): reports.answer(question, makeReport())
    case .shutDown:
      for slot in sessions.occupied { unsafe end(slot, .shuttingDown, at: now, through: loop) }
      unsafe downlink.flush(through: loop)
      unsafe pl_loop_stop(loop)
    }
  }

  private func end(
    _ slot: SessionTable.Slot, _ reason: SessionEnd, at now: Instant, through loop: OpaquePointer
  ) {
    sessions[slot].hangUp(reason, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  // MARK: - New calls

  private func begin(_ plan: CallPlan, _ seeds: CallSeeds, at now: Instant) {
    let parameters = SessionParameters(
      plan, seed: seeds.session, limits: limits, voiceBitsPerSecond: voiceBitsPerSecond)
    guard
      let endpoint = try? OpenSslDtls(
        identity: certificate,
        configuration: DtlsConfiguration(
          role: parameters.dtlsRole, fingerprints: parameters.remoteFingerprints),
        seed: seeds.handshake)
    else { return refuse(plan, "cannot make a DTLS endpoint") }
    guard let backend = BackendKind(rawValue: plan.backend).flatMap({ backends[$0] }) else {
      return refuse(plan, "signalling let an unknown backend pass")
    }
    let session = CallSession(
      parameters: parameters, backend: plan.makeBackend(backend, seeds), dtls: endpoint, at: now)
    guard
      let slot = sessions.insert(session, callID: plan.callID, token: plan.localUfrag)
    else { return refuse(plan, "no free slot") }
    counters.begun &+= 1
    slots[plan.callID] = slot
    described[plan.callID] = CallFigures(plan, identity.transceiver)
    log.info(
      "call-begun",
      [
        "call": plan.callID.logName, "shard": .number(Int(identity.transceiver.shard)),
        "backend": .text(plan.backend),
      ])
  }

  private func refuse(_ plan: CallPlan, _ reason: String) {
    log.error("call-not-begun", ["call": plan.callID.logName, "reason": .text(reason)])
    registry.end(plan.reference)
  }

  // MARK: - Logs and figures

  func report(_ events: [SessionEvent], of slot: SessionTable.Slot, at now: Instant) {
    let call = sessions.callID(slot)
    for event in events { report(event, of: slot, call) }
  }

  private func report(_ event: SessionEvent, of slot: SessionTable.Slot, _ call: CallID) {
    switch event {
    case .reached(let path):
      log.info(
        "call-reached",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "relay": .number(Int(path.ingress)),
        ])
    case .connected(let path, let milliseconds, let profile):
      described[call]?.connectMilliseconds = milliseconds
      described[call]?.srtpProfile = profile
      log.info(
        "call-connected",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "after_ms": .number(Int(milliseconds)), "srtp": .text(profile),
        ])
    case .channelOpened(let label, let milliseconds):
      log.info(
        "call-events-opened",
        [
          "call": call.logName, "label": .text(label), "after_ms": .number(Int(milliseconds)),
        ])
    case .channelsLost(let reason, let milliseconds):
      described[call]?.channelsLost = reason
      log.info(
        "call-channels-lost",
        [
          "call": call.logName, "detail": .text(reason), "after_ms": .number(Int(milliseconds)),
        ])
    case .recordForged(let path, let milliseconds):
      log.warning(
        "call-records-forged",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "detail": .text(
            "DTLS came from the client's address that is not the client's, or was damaged on the "
              + "way; such records are dropped and counted, and the call goes on"),
          "after_ms": .number(Int(milliseconds)),
        ])
    case .moved(let path):
      log.info("call-moved", ["call": call.logName, "client": .text(path.client.masked)])
    case .ended(let reason, let milliseconds):
      counters.ended[reason.name, default: 0] &+= 1
      let figures = sessions[slot].figures
      if reason == .neverConnected, figures.setUp == .noCheck { counters.callsUnseen &+= 1 }
      logEnd(reason, milliseconds, call, figures)
    }
  }

  private func logEnd(
    _ reason: SessionEnd, _ milliseconds: UInt64, _ call: CallID, _ figures: SessionFigures
  ) {
    let fields: [(key: String, value: LogValue)] = [
      ("call", call.logName), ("reason", .text(reason.name)),
      ("detail", .text(Self.detail(reason, figures) ?? "-")),
      ("after_ms", .number(Int(milliseconds))),
      ("rtp_received", .number(Int(figures.rtpAccepted))),
      ("rtp_lost", .number(Int(figures.packetsLost))), ("rtp_sent", .number(Int(figures.rtpSent))),
      ("refused", .number(Int(figures.mediaRefused &+ figures.stunIgnored))),
      ("dtls_forged", .number(Int(figures.dtlsForged))),
      ("buffer_target_ms", .number(Int(figures.bufferTargetMilliseconds))),
      ("buffer_max_ms", .number(Int(figures.bufferedMillisecondsMax))),
      ("pacer_max_ms", .number(Int(figures.pacerMillisecondsMax))),
      ("interruptions", .number(Int(figures.party.interruptions))),
      ("garbage", .number(Int(figures.party.serviceGarbage))),
    ]
    let setUp = figures.setUp.map { [("set_up", LogValue.text($0.rawValue))] } ?? []
    let named =
      figures.latency.named + (figures.encoding?.named ?? []) + figures.repair
      + (figures.channels?.named ?? [])
    log.info("call-ended", fields + setUp + named.map { ($0.name, .figure($0.value)) })
  }

  /// A call that never connected says what was seen of its client.
  private static func detail(_ reason: SessionEnd, _ figures: SessionFigures) -> String? {
    reason == .neverConnected ? figures.setUp?.explanation : reason.detail
  }

  /// Once a second: what the page and the operator may read.
  private func publishFigures(at now: Instant) {
    nextFiguresAt = now.advanced(byMilliseconds: 1_000)
    var living: [(call: CallID, figures: SessionFigures)] = []
    for (callID, slot) in slots {
      guard let known = described[callID] else { continue }
      let figures = known.updated(from: sessions[slot], at: now)
      registry.update(callID, figures)
      if let session = figures.session { living.append((callID, session)) }
    }
    lossyCalls.look(living)
  }
}

extension LogValue {
  /// A number, or a dash for what has not happened.
  fileprivate static func figure(_ value: UInt64?) -> LogValue {
    value.map { .number(Int($0)) } ?? .text("-")
  }
}
