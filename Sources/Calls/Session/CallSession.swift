package import Backends
import Crypto
package import Dtls
import Ice
package import Wire

/// One call, from the answer to its end: ICE-lite, DTLS, SRTP and the voice behind them.
///
/// Sans-IO: datagrams, instants and one seed come in; datagrams, events and the next deadline go
/// out through a `SessionOutbox`. The rule of use: one mutating call, then drain the outbox, then
/// ask for `deadline`. One thread (its shard's) for the whole life.
package final class CallSession {
  /// All calls' audio ticks fall on multiples of this, so that a thread wakes for several calls at
  /// a time and what they say shares trunk datagrams; a few apart, so that it does not wake for
  /// all. A busy thread does well to read then too, and no oftener.
  package static let gridNanoseconds: UInt64 = 2_500_000

  package let parameters: SessionParameters
  /// Why the session ended; nil while it lives. Nothing is accepted or sent afterwards.
  package private(set) var end: SessionEnd?

  let born: Instant
  var ice: IceLiteAgent
  let dtls: any DtlsEndpoint
  let party: CallParty
  /// The end that is decided on, and when it comes.
  var goodbye: (reason: SessionEnd, at: Instant)?
  var media: CallMedia?
  /// Nil until the keys are there, and without channels in the answer for good.
  var channels: CallChannels?
  var channelWasOpen = false
  var counts = SessionFigures()
  var random: KeyedRandom
  private var handshakeStarted = false

  /// - Parameters:
  ///   - backend: who answers; this call's own.
  ///   - dtls: an endpoint that has not been started, with the role of `parameters`.
  ///   - now: the moment of the answer; the time allowed to connect runs from here.
  package init(
    parameters: SessionParameters, backend: any VoiceBackend, dtls: any DtlsEndpoint,
    at now: Instant
  ) {
    self.parameters = parameters
    party = CallParty(backend, at: now)
    self.dtls = dtls
    born = now
    ice = IceLiteAgent(
      local: parameters.local, remote: parameters.remote,
      offerByteCount: parameters.offerByteCount, at: now)
    random = KeyedRandom(key: parameters.seed)
  }

  /// Whether the client has been heard on `path` with a signed check, and not given it up since.
  package func isReached(by path: PathID) -> Bool { ice.isValidated(path) }

  /// Whether something has shown that the client receives what is sent by `path`.
  package func isProven(by path: PathID) -> Bool { ice.isProven(path) }

  /// Keys are agreed on and media flows.
  package var isConnected: Bool { media != nil && end == nil }

  /// Milliseconds since the session was made.
  package func ageMilliseconds(at now: Instant) -> UInt64 { now.milliseconds(since: born) }

  /// When `handleTimeout` wants to be called next; `.never` after the end.
  package var deadline: Instant {
    guard end == nil else { return .never }
    var next = min(dtls.deadline, ice.deadline, partyDeadline)
    next = min(next, born.advanced(byMilliseconds: parameters.limits.sessionMilliseconds))
    if let channels { next = min(next, channels.deadline) }
    if let media { return min(next, media.deadline) }
    return min(next, born.advanced(byMilliseconds: parameters.limits.connectMilliseconds))
  }

  /// Does what is due at `now`: retransmissions, the 20 ms audio tick, RTCP, and the ends that time
  /// brings.
  package func handleTimeout(at now: Instant, into outbox: inout SessionOutbox) {
    guard end == nil else { return }
    if let reason = reasonToEnd(at: now) {
      return finish(reason, at: now, into: &outbox)
    }
    if dtls.deadline <= now {
      dtls.handleTimeout(at: now)
      pumpDtls(at: now, into: &outbox)
    }
    guard end == nil else { return }
    if ice.deadline <= now { pollIce(at: now, into: &outbox) }
    if media != nil { runMedia(at: now, into: &outbox) }
    runParty(at: now, into: &outbox)
    if let channels, channels.deadline <= now { channels.handleTimeout(at: now) }
    settleChannels(at: now, into: &outbox)
  }

  /// Ends the call from our side: BYE and close_notify to the client, `ended` to its relays.
  package func hangUp(_ reason: SessionEnd, at now: Instant, into outbox: inout SessionOutbox) {
    guard end == nil else { return }
    finish(reason, at: now, into: &outbox)
  }

  private func reasonToEnd(at now: Instant) -> SessionEnd? {
    let age = now.milliseconds(since: born)
    if age >= parameters.limits.sessionMilliseconds { return .tooLong }
    if media == nil, age >= parameters.limits.connectMilliseconds { return .neverConnected }
    guard ice.consentLost(at: now) else { return nil }
    return media == nil ? .neverConnected : .consentLost
  }

  func finish(_ reason: SessionEnd, at now: Instant, into outbox: inout SessionOutbox) {
    if let path = ice.selected {
      sendGoodbye(to: path, at: now, into: &outbox)
      dtls.close()
      drainDtls(to: path, into: &outbox)
    }
    for path in ice.pathIDs { outbox.commitEnded(path) }
    end = reason
    party.backend.end(at: now)
    drainParty(at: now, into: &outbox)
    outbox.note(.ended(reason, afterMilliseconds: now.milliseconds(since: born)))
  }

  // MARK: - DTLS

  /// Starts the handshake when the client can be reached and the role is ours to begin.
  func startHandshake(at now: Instant, into outbox: inout SessionOutbox) {
    guard !handshakeStarted else { return }
    handshakeStarted = true
    dtls.start(at: now)
    pumpDtls(at: now, into: &outbox)
  }

  /// Sends what DTLS has to say and notices where its state has come to.
  func pumpDtls(at now: Instant, into outbox: inout SessionOutbox) {
    if let path = ice.selected { drainDtls(to: path, into: &outbox) }
    switch dtls.state {
    case .idle, .handshaking: break
    case .connected: if media == nil { beginMedia(at: now, into: &outbox) }
    case .associationLost:
      if media == nil { beginMedia(at: now, into: &outbox) }
      loseAssociation(at: now, into: &outbox)
    case .failed(let failure): finish(reason(failure), at: now, into: &outbox)
    case .closed: finish(.clientClosed, at: now, into: &outbox)
    }
  }

  private func reason(_ failure: DtlsFailure) -> SessionEnd {
    switch failure {
    case .fingerprintMismatch: return .fingerprintMismatch
    case .noExtendedMasterSecret: return .noExtendedMasterSecret
    default:
      let cause = dtls.lastError.isEmpty ? "" : ": \(dtls.lastError)"
      return .dtlsFailed("\(failure.text)\(cause)")
    }
  }

  func drainDtls(to path: PathID, into outbox: inout SessionOutbox) {
    while let slot = unsafe outbox.slot(), let length = unsafe dtls.nextDatagram(into: slot) {
      // Over the allowance of an unproven path: lost, as the network could have lost it.
      guard ice.admitSending(length, to: path) else { continue }
      outbox.commit(length: length, to: path, proven: ice.isProven(path))
    }
  }

  private func pollIce(at now: Instant, into outbox: inout SessionOutbox) {
    while let slot = unsafe outbox.slot(),
      let request = unsafe ice.poll(at: now, into: slot, random: &random)
    {
      outbox.commit(
        length: request.length, to: request.path, proven: ice.isProven(request.path))
    }
  }
}
