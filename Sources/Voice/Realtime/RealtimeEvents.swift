import Backends
import Json

/// Why an event of a client is answered with an error.
struct RealtimeError {
  var type = "invalid_request_error"
  var code: String
  var message: String
  var param: String?
  /// The `event_id` of the client's event, when it had one.
  var clientEventID: String?
}

/// Writes the events that come from us.
struct RealtimeEvents {
  var names: RealtimeNames

  init(identity: [UInt8]) {
    names = RealtimeNames(identity: identity)
  }

  /// An event of `type`, with what `fill` adds.
  mutating func event(_ type: String, _ fill: (inout JsonObject) -> Void = { _ in }) -> EventMessage
  {
    Self.event(type, names.next("event"), fill)
  }

  private mutating func own(_ type: String, _ fill: (inout JsonObject) -> Void) -> EventMessage {
    Self.event(type, names.nextOwn(), fill)
  }

  private static func event(
    _ type: String, _ id: String, _ fill: (inout JsonObject) -> Void
  ) -> EventMessage {
    var object = JsonObject()
    object.add("type", type)
    object.add("event_id", id)
    fill(&object)
    return EventMessage(Array(object.text.utf8))
  }

  mutating func error(_ error: RealtimeError) -> EventMessage {
    event("error") { object in
      var inner = JsonObject()
      inner.add("type", error.type)
      inner.add("code", error.code)
      inner.add("message", error.message)
      inner.add("param", error.param)
      inner.add("event_id", error.clientEventID)
      object.add("error", inner)
    }
  }

  /// `output_audio_buffer.started`, `.stopped` or `.cleared` of a response of a service.
  mutating func outputBuffer(_ what: String, response: [UInt8]) -> EventMessage {
    event("output_audio_buffer.\(what)") { $0.add("response_id", json: Self.quoted(response)) }
  }

  // MARK: - To a service

  /// What the client has heard of an utterance, and no more.
  mutating func truncate(
    _ utterance: PlayLedger.Utterance, milliseconds: UInt64
  ) -> EventMessage {
    own("conversation.item.truncate") { object in
      object.add("item_id", json: Self.quoted(utterance.item))
      object.add("content_index", utterance.contentIndex)
      object.add("audio_end_ms", milliseconds)
    }
  }

  mutating func cancel(_ response: [UInt8]) -> EventMessage {
    own("response.cancel") { object in
      if !response.isEmpty { object.add("response_id", json: Self.quoted(response)) }
    }
  }

  /// nil when `session` is no JSON object.
  mutating func sessionUpdate(_ session: [UInt8]) -> EventMessage? {
    guard unsafe JsonText.members(of: session.span.bytes) != nil else { return nil }
    return event("session.update") { $0.add("session", json: session) }
  }

  /// An update of the session that no client has asked for.
  mutating func correction(_ session: [UInt8]) -> EventMessage {
    own("session.update") { $0.add("session", json: session) }
  }

  /// The bytes between two quotation marks of another text, between ours; no bytes are no ID.
  private static func quoted(_ raw: [UInt8]) -> [UInt8] {
    raw.isEmpty ? Array("null".utf8) : [UInt8(ascii: "\"")] + raw + [UInt8(ascii: "\"")]
  }
}
