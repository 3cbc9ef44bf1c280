package import Backends
import Voice
package import Wire

extension CallSession {
  // MARK: - Events in

  /// A client can be sent events: the data channel is open, or a sideband was accepted.
  package func clientJoined(
    _ client: ClientID, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard end == nil else { return }
    join(client, at: now, into: &outbox)
    settleChannels(at: now, into: &outbox)
  }

  package func clientLeft(
    _ client: ClientID, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard end == nil else { return }
    leave(client, at: now, into: &outbox)
    settleChannels(at: now, into: &outbox)
  }

  /// One event of a client, whatever its bytes are.
  package func handle(
    clientEvent bytes: [UInt8], from client: ClientID, at now: Instant,
    into outbox: inout SessionOutbox
  ) {
    guard end == nil else { return }
    take(bytes, from: client, at: now, into: &outbox)
    settleChannels(at: now, into: &outbox)
  }

  /// What the connection to the service tells.
  package func handle(
    serviceNews news: ServiceNews, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard end == nil, goodbye == nil else { return }
    party.backend.serviceNews(news, at: now, pacer: &party.pacer)
    drainParty(at: now, into: &outbox)
    settleChannels(at: now, into: &outbox)
  }

  // MARK: - One step of these

  func join(_ client: ClientID, at now: Instant, into outbox: inout SessionOutbox) {
    party.clients.insert(client)
    party.backend.clientJoined(client, at: now)
    drainParty(at: now, into: &outbox)
    hastenGoodbye(at: now)
  }

  func leave(_ client: ClientID, at now: Instant, into outbox: inout SessionOutbox) {
    party.clients.remove(client)
    party.backend.clientLeft(client, at: now)
    drainParty(at: now, into: &outbox)
  }

  func take(
    _ event: [UInt8], from client: ClientID, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard goodbye == nil else { return }
    party.backend.clientEvent(event, from: client, at: now, pacer: &party.pacer)
    drainParty(at: now, into: &outbox)
  }

  // MARK: - Actions out

  /// Moves what the backend wants done to the channel and, what is not for it, to the outbox.
  func drainParty(at now: Instant, into outbox: inout SessionOutbox) {
    while let action = party.backend.nextAction() {
      switch action {
      case .endCall(let reason): sayGoodbye(reason, at: now)
      case .toClients(let event):
        send(event, at: now)
        if party.hasSidebands { outbox.act(action) }
      case .toClient(.channel, let event): send(event, at: now)
      case .toClient(.sideband, _), .openService, .toService, .closeService: outbox.act(action)
      }
    }
  }

  /// Sends an event by the data channel, when there is one. One that cannot pass is told of, but
  /// not when it is short: then the telling would not pass either.
  private func send(_ event: EventMessage, at now: Instant) {
    guard let channels, !channels.send(event, at: now), event.bytes.count > 2_048 else { return }
    party.backend.eventTooLong(
      for: .channel, byteCount: event.bytes.count, byteCountMax: channels.eventBytesMax, at: now)
  }

  /// The call ends a moment later, so that what clients were told last can reach them, or the
  /// first of them can come and be told.
  private func sayGoodbye(_ reason: PartyEnd, at now: Instant) {
    guard goodbye == nil else { return }
    let end: SessionEnd =
      switch reason {
      case .finished(let why): .backendFinished(why)
      case .failed(let why): .backendFailed(why)
      }
    let wait = !party.clients.isEmpty ? Self.goodbyeMilliseconds : Self.absenceMilliseconds
    goodbye = (end, now.advanced(byMilliseconds: max(wait, playingMilliseconds(end))))
  }

  /// Somebody who was waited for has come.
  private func hastenGoodbye(at now: Instant) {
    guard let goodbye else { return }
    let wait = max(Self.goodbyeMilliseconds, playingMilliseconds(goodbye.reason))
    self.goodbye?.at = min(goodbye.at, now.advanced(byMilliseconds: wait))
  }

  /// How long what was said in good order still takes; nothing is added to it any more.
  private func playingMilliseconds(_ end: SessionEnd) -> UInt64 {
    guard case .backendFinished = end, !party.pacer.isEmpty else { return 0 }
    return party.pacer.queuedMilliseconds + Self.goodbyeMilliseconds
  }

  /// What happens over time, beside the voice.
  func runParty(at now: Instant, into outbox: inout SessionOutbox) {
    if let goodbye, goodbye.at <= now { return finish(goodbye.reason, at: now, into: &outbox) }
    guard party.backend.deadline <= now else { return }
    party.backend.handleTimeout(at: now, pacer: &party.pacer)
    drainParty(at: now, into: &outbox)
  }

  /// When `runParty` has something to do.
  var partyDeadline: Instant { min(party.backend.deadline, goodbye?.at ?? .never) }

  /// Long enough for a message to be sent again once over a slow network.
  static let goodbyeMilliseconds: UInt64 = 500
  /// How long a client may take to come when there is bad news for it.
  static let absenceMilliseconds: UInt64 = 3_000
}
