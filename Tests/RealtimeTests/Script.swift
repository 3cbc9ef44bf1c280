import Backends
import Json

/// What a scripted service says.
enum Script {
  static let created =
    #"{"type":"session.created","session":{"id":"sess_1","object":"realtime.session"}}"#
  static let speechStarted =
    #"{"type":"input_audio_buffer.speech_started","audio_start_ms":100,"item_id":"item_u"}"#

  static func responseCreated(_ response: String) -> String {
    #"{"type":"response.created","response":{"id":"\#(response)","status":"in_progress"}}"#
  }

  static func responseDone(_ response: String) -> String {
    #"{"type":"response.done","response":{"id":"\#(response)","status":"completed"}}"#
  }

  static func audioDone(_ item: String, response: String) -> String {
    #"{"type":"response.output_audio.done","response_id":"\#(response)","item_id":"\#(item)","#
      + #""output_index":0,"content_index":0}"#
  }

  static func delta(
    _ samples: [Int16], item: String, response: String, name: String = "response.output_audio.delta"
  ) -> String {
    delta(text: base64(bytes(samples)), item: item, response: response, name: name)
  }

  static func delta(
    text: String, item: String, response: String, name: String = "response.output_audio.delta"
  ) -> String {
    #"{"type":"\#(name)","event_id":"e","response_id":"\#(response)","item_id":"\#(item)","#
      + #""output_index":0,"content_index":0,"delta":"\#(text)"}"#
  }

  /// `milliseconds` of one value at 24 kHz.
  static func sound(_ value: Int16, milliseconds: Int) -> [Int16] {
    [Int16](repeating: value, count: 24 * milliseconds)
  }

  static func bytes(_ samples: [Int16]) -> [UInt8] {
    samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Base64 the slow way: six bits at a time.
  static func base64(_ bytes: [UInt8], pads: Bool = true) -> String {
    var out: [UInt8] = []
    var bits = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | Int(byte)
      count += 8
      while count >= 6 {
        count -= 6
        out.append(alphabet[bits >> count & 63])
      }
      bits &= 0xFF
    }
    if count > 0 { out.append(alphabet[bits << (6 - count) & 63]) }
    while pads, out.count % 4 != 0 { out.append(UInt8(ascii: "=")) }
    return String(decoding: out, as: UTF8.self)
  }

  static func fromBase64(_ text: String) -> [UInt8] {
    var out: [UInt8] = []
    var bits = 0
    var count = 0
    for character in text.utf8 where character != UInt8(ascii: "=") {
      bits = (bits << 6 | alphabet.firstIndex(of: character)!) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return out
  }
}

extension Stage {
  /// A stage with a client and a service that has said its first word.
  static func talking(session: String = Script.created) -> Stage {
    let stage = Stage(.realtime)
    stage.begin()
    stage.join()
    stage.news(.opened)
    stage.service(session)
    stage.sent = []
    return stage
  }

  /// How many samples of `value` were said.
  func heard(_ value: Int16) -> Int {
    said.compactMap { $0 }.reduce(0) { $0 + $1.filter { $0 == value }.count }
  }

  /// The truncations that went to the service: item and milliseconds.
  var truncations: [(item: String, milliseconds: Int)] {
    toService.filter { $0.type == "conversation.item.truncate" }.map { sent in
      guard case .integer(let milliseconds) = sent.json["audio_end_ms"] else { return ("", -1) }
      return (sent.json["item_id"]?.text ?? "", milliseconds)
    }
  }
}
