import Backends
import Dtls
package import Session
import Signalling
import Token
package import Wire

extension Shard {
  /// Takes a command. It may name a call that has ended since.
  package mutating func take(_ command: ShardCommand, at now: Instant) {
    switch command {
    case .begin(let plan, let seeds): begin(plan, seeds, at: now)
    case .hangUp(let callID):
      if let slot = calls.slot(callID) { end(slot, .hungUp, at: now) }
    case .service(let service, let event): take(event, from: service, at: now)
    case .clientJoined(let callID, let client): join(client, callID, at: now)
    case .clientEvent(let callID, let client, let event):
      take(event, from: client, of: callID, at: now)
    case .clientLeft(let callID, let client): leave(client, callID, at: now)
    }
  }

  /// Ends every call. True when the shard has to be drained before the rest of them: then once
  /// more.
  package mutating func endCalls(_ reason: SessionEnd, at now: Instant) -> Bool {
    for slot in calls.occupied {
      if needsDrain { return true }
      end(slot, reason, at: now)
    }
    return false
  }

  private mutating func end(_ slot: CallTable.Slot, _ reason: SessionEnd, at now: Instant) {
    calls[slot].session.hangUp(reason, at: now, into: &outbox)
    drain(slot, at: now)
  }

  // MARK: - New calls

  private mutating func begin(_ plan: CallPlan, _ seeds: CallSeeds, at now: Instant) {
    let parameters = SessionParameters(
      plan, seed: seeds.session, limits: configuration.limits,
      voiceBitsPerSecond: configuration.voiceBitsPerSecond)
    let dtls: any DtlsEndpoint
    do throws(DtlsSetupError) {
      dtls = try configuration.makeDtls(
        DtlsConfiguration(
          role: parameters.dtlsRole, fingerprints: parameters.remoteFingerprints),
        seeds.handshake)
    } catch {
      return refuse(plan, "cannot make a DTLS endpoint: \(error.description)")
    }
    let settings = BackendKind(rawValue: plan.backend).flatMap { configuration.backends[$0] }
    guard let settings else { return refuse(plan, "signalling let an unknown backend pass") }
    let session = CallSession(
      parameters: parameters, backend: plan.makeBackend(settings, seeds), dtls: dtls, at: now)
    let call = Call(
      session, callID: plan.callID, ufrag: plan.localUfrag,
      figures: CallFigures(plan, configuration.transceiver))
    guard calls.insert(call) != nil else { return refuse(plan, "no free slot") }
    counters.begun &+= 1
    effects.append(.event(plan.callID, .begun(backend: plan.backend)))
  }

  private mutating func refuse(_ plan: CallPlan, _ reason: String) {
    effects.append(.event(plan.callID, .notBegun(reason)))
    effects.append(.callEnded(plan.reference))
  }
}
