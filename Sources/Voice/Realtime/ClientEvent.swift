import Json
import Wire

/// The parts of a client's event that concern us.
enum ClientEvent {
  case event(type: String, id: String?)
  case malformed(RealtimeError)

  /// More than any event has a reason to be; whoever receives has a bound of its own besides.
  static let byteCountMax = 16 << 20
  /// Longer names are no names of events.
  private static let typeByteCountMax = 128
  /// An `event_id` of a client has at most 512 characters.
  private static let idByteCountMax = 2_048

  static func read(_ bytes: [UInt8]) -> ClientEvent {
    guard bytes.count <= byteCountMax else {
      return .malformed(
        RealtimeError(code: "event_too_large", message: "An event is at most 16 MiB."))
    }
    let span = unsafe bytes.span.bytes
    guard let members = JsonText.members(of: span) else {
      return .malformed(
        RealtimeError(
          code: "invalid_json",
          message: "An event is one JSON object in UTF-8, nested at most \(JsonText.depthMax) deep."
        ))
    }
    let id = JsonText.text(
      members.value("event_id", in: span), in: span, byteCountMax: idByteCountMax)
    guard
      let type = JsonText.text(
        members.value("type", in: span), in: span, byteCountMax: typeByteCountMax)
    else {
      return .malformed(
        RealtimeError(
          code: "missing_required_parameter", message: "An event has a type.", param: "type",
          clientEventID: id))
    }
    return .event(type: type, id: id)
  }

  /// The value of a member of an event that has been read, as it stands.
  static func member(_ name: StaticString, of bytes: [UInt8]) -> [UInt8]? {
    let span = unsafe bytes.span.bytes
    guard let value = JsonText.members(of: span)?.value(name, in: span) else { return nil }
    return JsonText.raw(value, in: span)
  }
}

extension RealtimeError {
  /// The voice of a WebRTC call is its RTP; another one beside it would be mixed into nonsense.
  static func appendRefused(_ id: String?) -> RealtimeError {
    RealtimeError(
      code: "unsupported_event", message: "The audio of this call comes over its media track.",
      param: "type", clientEventID: id)
  }

  static func serviceEnded(_ reason: String) -> RealtimeError {
    RealtimeError(
      type: "server_error", code: "service_ended",
      message: "The service that answers this call has ended it: \(reason)")
  }

  static func serviceNotReady(_ id: String?) -> RealtimeError {
    RealtimeError(
      type: "server_error", code: "service_not_ready",
      message: "Too many events wait for the service that answers this call.", clientEventID: id)
  }

  static func eventTooLong(_ byteCount: Int, max: Int) -> RealtimeError {
    RealtimeError(
      type: "server_error", code: "event_too_long",
      message: "An event of \(byteCount) bytes was dropped; this connection takes \(max).")
  }

  static let serviceGarbage = RealtimeError(
    type: "server_error", code: "service_garbage",
    message: "The service that answers this call sent something that is no event.")

  static let answerTooLong = RealtimeError(
    type: "server_error", code: "output_audio_overflow",
    message: "An answer was cut off: more than 30 s of it waited to be played.")

  static func serviceLost(_ reason: String) -> RealtimeError {
    RealtimeError(
      type: "server_error", code: "service_unavailable",
      message: "The service that answers this call is not available: \(reason)")
  }
}
