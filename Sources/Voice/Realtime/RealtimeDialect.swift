package import Backends
import Json
package import Voice
package import Wire

/// Gives a speaker the manners of a Realtime session: the events that
/// clients rely on, made from our own ear and from what is played.
///
/// What goes through: `session.update` (merged, answered at once), `output_audio_buffer.clear`,
/// `response.cancel`, `input_audio_buffer.clear`. Everything else is answered with an `error`.
package final class RealtimeDialect: VoiceBackend {
  private let inner: any Speaker
  /// The same, where a service speaks for it.
  private let service: (any ServiceSpeaker)?
  private var events: RealtimeEvents
  private var session: SessionResource
  private var clients: Set<ClientID> = []
  private var queue = ActionQueue()
  private var counts = PartyFigures()
  private let born: String
  private var heardMilliseconds: UInt64 = 0
  private var previousItem: String?
  private var item: String?
  private var response: String?
  /// Why the call is ending, for a client that comes late.
  private var lastWord: RealtimeError?

  /// - Parameter model: its name in the session.
  package init(_ inner: any Speaker, model: String, call: RealtimeCall) {
    self.inner = inner
    service = inner as? any ServiceSpeaker
    events = RealtimeEvents(identity: call.identity)
    born = events.names.next("sess")
    session = SessionResource(id: born, model: model)
    // What the request configured is as good as a first update; nonsense in it changes nothing.
    if !call.session.isEmpty { _ = session.merge(call.session) }
  }

  package var rate: PcmRate { inner.rate }
  package var pacerMilliseconds: Int { inner.pacerMilliseconds }
  package var takesTurns: Bool { inner.takesTurns }
  package var hearsPromptly: Bool { inner.hearsPromptly }

  // MARK: - Voice

  package func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    heardMilliseconds += 20
    let happened = inner.hear(voice, at: now, pacer: &pacer)
    if !happened.isEmpty { tell(happened) }
    return happened
  }

  private func tell(_ happened: BackendEvents) {
    if happened.contains(.heardStart) { tellHeardStart() }
    if happened.contains(.interrupted) {
      counts.interruptions += 1
      endResponse(.cancelled("turn_detected"))
    }
    if happened.contains(.heardEnd) { tellHeardEnd() }
    if happened.contains(.saidEnd) { endResponse(.completed) }
    if happened.contains(.saidStart) { beginResponse() }
  }

  private func tellHeardStart() {
    let name = events.names.next("item")
    item = name
    tell("input_audio_buffer.speech_started") { [heardMilliseconds] object in
      object.add("audio_start_ms", heardMilliseconds)
      object.add("item_id", name)
    }
  }

  private func tellHeardEnd() {
    guard let name = item else { return }
    tell("input_audio_buffer.speech_stopped") { [heardMilliseconds] object in
      object.add("audio_end_ms", heardMilliseconds)
      object.add("item_id", name)
    }
    tell("input_audio_buffer.committed") { [previousItem] object in
      object.add("previous_item_id", previousItem)
      object.add("item_id", name)
    }
    previousItem = name
    item = nil
  }

  // MARK: - Responses

  private enum Outcome {
    case completed
    case cancelled(String)
  }

  private func beginResponse() {
    endResponse(.completed)
    let name = events.names.next("resp")
    response = name
    tell("response.created") { $0.add("response", Self.response(name, "in_progress", nil)) }
    tell("output_audio_buffer.started") { $0.add("response_id", name) }
  }

  private func endResponse(_ outcome: Outcome) {
    guard let name = response else { return }
    response = nil
    switch outcome {
    case .completed:
      tell("response.done") { $0.add("response", Self.response(name, "completed", nil)) }
      tell("output_audio_buffer.stopped") { $0.add("response_id", name) }
    case .cancelled(let why):
      tell("output_audio_buffer.cleared") { $0.add("response_id", name) }
      tell("response.done") { $0.add("response", Self.response(name, "cancelled", why)) }
    }
  }

  private static func response(_ name: String, _ status: String, _ why: String?) -> JsonObject {
    var object = JsonObject()
    object.add("object", "realtime.response")
    object.add("id", name)
    object.add("status", status)
    if let why {
      var details = JsonObject()
      details.add("type", status)
      details.add("reason", why)
      object.add("status_details", details)
    } else {
      object.add("status_details", nil as JsonObject?)
    }
    object.add("output", json: Array("[]".utf8))
    object.add("output_modalities", json: Array(#"["audio"]"#.utf8))
    object.add("usage", nil as JsonObject?)
    return object
  }

  // MARK: - Clients

  package func clientJoined(_ client: ClientID, at now: Instant) {
    clients.insert(client)
    let session = session.json
    queue.add(
      .toClient(client, events.event("session.created") { $0.add("session", json: session) }))
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
    switch ClientEvent.read(bytes) {
    case .malformed(let error): refuse(error, client)
    case .event(let type, let id): take(type, id, bytes, client, &pacer)
    }
  }

  private func take(
    _ type: String, _ id: String?, _ bytes: [UInt8], _ client: ClientID, _ pacer: inout Pacer
  ) {
    counts.clientEvents += 1
    switch type {
    case "session.update": update(bytes, id, client)
    case "output_audio_buffer.clear": clear(&pacer)
    case "response.cancel" where response != nil: clear(&pacer)
    case "response.cancel":
      refuse(
        RealtimeError(
          code: "response_cancel_not_active", message: "There is no response to cancel.",
          clientEventID: id), client)
    case "input_audio_buffer.clear": tell("input_audio_buffer.cleared")
    case "input_audio_buffer.append": refuse(.appendRefused(id), client)
    default:
      refuse(
        RealtimeError(
          code: "unsupported_event",
          message: "Nothing here understands \(type): no model answers this call.", param: "type",
          clientEventID: id), client)
    }
  }

  private func update(_ bytes: [UInt8], _ id: String?, _ client: ClientID) {
    guard let update = ClientEvent.member("session", of: bytes), session.merge(update) else {
      return refuse(
        RealtimeError(
          code: "invalid_session",
          message: "session must be an object of at most \(SessionResource.byteCountMax) bytes.",
          param: "session", clientEventID: id), client)
    }
    let session = session.json
    tell("session.updated") { $0.add("session", json: session) }
  }

  private func clear(_ pacer: inout Pacer) {
    counts.droppedMilliseconds += pacer.flush()
    guard response != nil else {
      return tell("output_audio_buffer.cleared") { $0.add("response_id", nil as String?) }
    }
    counts.interruptions += 1
    endResponse(.cancelled("client_cancelled"))
  }

  private func refuse(_ error: RealtimeError, _ client: ClientID) {
    counts.clientEventsRefused += 1
    queue.add(.toClient(client, events.error(error)))
  }

  /// Writes an event for all clients; nothing when there are none.
  private func tell(_ type: String, _ fill: (inout JsonObject) -> Void = { _ in }) {
    guard !clients.isEmpty else { return }
    queue.add(.toClients(events.event(type, fill)))
  }

  // MARK: - What is behind

  package func begin(at now: Instant) { service?.begin(at: now) }
  // A speaker tells by itself what has begun and ended.
  package func played(at now: Instant, pacer: inout Pacer) {}
  package func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {
    service?.serviceNews(news, at: now, pacer: &pacer)
  }
  package var deadline: Instant { service?.deadline ?? .never }
  package func handleTimeout(at now: Instant, pacer: inout Pacer) {
    service?.handleTimeout(at: now, pacer: &pacer)
  }
  package func end(at now: Instant) { service?.end(at: now) }

  package func nextAction() -> PartyAction? {
    if let action = queue.next() { return action }
    guard let action = service?.nextAction() else { return nil }
    guard case .endCall(let reason) = action else { return action }
    let error: RealtimeError =
      switch reason {
      case .failed(let why): .serviceLost(why)
      case .finished(let why): .serviceEnded(why)
      }
    lastWord = error
    guard !clients.isEmpty else { return action }
    queue.add(action)
    return .toClients(events.error(error))
  }

  package var figures: PartyFigures {
    var figures = service?.figures ?? PartyFigures()
    figures.clientEvents += counts.clientEvents
    figures.clientEventsRefused += counts.clientEventsRefused
    figures.interruptions = counts.interruptions
    figures.droppedMilliseconds += counts.droppedMilliseconds
    return figures
  }
}
