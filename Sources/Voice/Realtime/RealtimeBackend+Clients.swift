package import Backends
import Json
package import Voice
package import Wire

extension RealtimeBackend {
  package func clientJoined(_ client: ClientID, at now: Instant) {
    clients.insert(client)
    if !session.isEmpty {
      let event = events.event("session.created") { $0.add("session", json: session) }
      queue.add(.toClient(client, event))
    }
    if let lastWord { queue.add(.toClient(client, events.error(lastWord))) }
  }

  package func clientLeft(_ client: ClientID, at now: Instant) {
    clients.remove(client)
  }

  package func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant
  ) {
    let error = RealtimeError.eventTooLong(byteCount, max: byteCountMax)
    queue.add(.toClient(client, events.error(error)))
  }

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
