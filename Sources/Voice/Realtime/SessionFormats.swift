import Json
import Voice
import Wire

/// The audio formats that a `session.update` asks a service for.
///
/// They are not a client's to choose here: what lies between us and the service is 16-bit PCM at
/// the service's rate, whatever the client's media track carries. A client may name others out of
/// habit, and a service that obeyed would be given noise and give noise back.
enum SessionFormats {
  case fitting
  /// The newer form: objects with type and rate.
  case otherObjects
  /// The older form: names.
  case otherNames

  /// Reads the session at `part`; one that names no format fits.
  init(_ part: JsonPart?, in bytes: RawSpan, rate: PcmRate) {
    self = .fitting
    guard let part, let session = JsonText.members(of: part, in: bytes) else { return }
    if Self.isOther(session.value("input_audio_format", in: bytes), bytes)
      || Self.isOther(session.value("output_audio_format", in: bytes), bytes)
    {
      self = .otherNames
    }
    guard let audio = session.value("audio", in: bytes),
      let ways = JsonText.members(of: audio, in: bytes)
    else { return }
    if Self.isOther(ways.value("input", in: bytes), bytes, rate)
      || Self.isOther(ways.value("output", in: bytes), bytes, rate)
    {
      self = .otherObjects
    }
  }

  private static func isOther(_ name: JsonPart?, _ bytes: RawSpan) -> Bool {
    name?.kind == .string && !JsonText.equals(name, "pcm16", in: bytes)
  }

  private static func isOther(_ way: JsonPart?, _ bytes: RawSpan, _ rate: PcmRate) -> Bool {
    guard let way, let members = JsonText.members(of: way, in: bytes),
      let part = members.value("format", in: bytes), part.kind == .object,
      let format = JsonText.members(of: part, in: bytes)
    else { return false }
    let wanted = JsonText.integer(format.value("rate", in: bytes), in: bytes)
    return !JsonText.equals(format.value("type", in: bytes), "audio/pcm", in: bytes)
      || (wanted ?? Int(rate.rawValue)) != Int(rate.rawValue)
  }

  /// The session of an update that sets the formats right again; nil when they are.
  func correction(rate: PcmRate) -> [UInt8]? {
    let format = #"{"format":{"type":"audio/pcm","rate":\#(rate.rawValue)}}"#
    return switch self {
    case .fitting: nil
    case .otherObjects:
      Array(#"{"type":"realtime","audio":{"input":\#(format),"output":\#(format)}}"#.utf8)
    case .otherNames:
      Array(#"{"input_audio_format":"pcm16","output_audio_format":"pcm16"}"#.utf8)
    }
  }
}
