package import Backends
import Json
package import Voice
package import Wire

extension RealtimeBackend {
  /// Sends a client that comes late what it missed: the last session of at most 512 KiB that the
  /// service told, and the error that ends the call, if one does.
  package func clientJoined(_ client: ClientID, at now: Instant) {
    clients.insert(client)
    if !session.isEmpty {
      let event = events.event("session.created") { $0.add("session", json: session) }
      queue.add(.toClient(client, event))
    }
    if let lastWord { queue.add(.toClient(client, events.error(lastWord))) }
  }

  /// Those of its events that wait for the service go there all the same.
  package func clientLeft(_ client: ClientID, at now: Instant) {
    clients.remove(client)
  }

  /// Tells the client itself, by the error `event_too_long`; the call goes on without the event.
  package func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant
  ) {
    let error = RealtimeError.eventTooLong(byteCount, max: byteCountMax)
    queue.add(.toClient(client, events.error(error)))
  }

  /// Sends the event on byte for byte, but for the two kinds that end here. Until the service has
  /// spoken it is kept as well, up to 128 events and 1 MiB; beyond that, while there is no
  /// connection, it is refused. Who is refused is sent an error. Once the service is lost, events
  /// are dropped and nothing is said.
  package func clientEvent(
    _ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer
  ) {
    guard !link.isLost else { return }
    switch ClientEvent.read(bytes) {
    case .malformed(let error): refuse(error, client)
    case .event("input_audio_buffer.append", let id): refuse(.appendRefused(id), client)
    case .event("output_audio_buffer.clear", _):
      counts.clientEvents += 1
      if !interrupt(&pacer, at: now) { tellOutputBuffer("cleared", activeResponse) }
    case .event(_, let id): pass(bytes, id, client)
    }
  }

  /// To the service, or kept for it until it is there.
  private func pass(_ bytes: [UInt8], _ id: String?, _ client: ClientID) {
    if !link.hasSpoken, !hold(bytes) {
      guard link.isOpen else { return refuse(.serviceNotReady(id), client) }
      // A service that listens and says nothing: it has heard too much for another to take over.
      link.noteMessage()
      held = []
    }
    counts.clientEvents += 1
    sendToService(event: bytes)
  }

  private func hold(_ bytes: [UInt8]) -> Bool {
    guard held.count < Self.heldMax, heldByteCount + bytes.count <= Self.heldByteCountMax
    else { return false }
    held.append(bytes)
    heldByteCount += bytes.count
    return true
  }

  private func refuse(_ error: RealtimeError, _ client: ClientID) {
    counts.clientEventsRefused += 1
    queue.add(.toClient(client, events.error(error)))
  }
}
