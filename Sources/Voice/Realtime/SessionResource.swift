import Json
import Wire

/// The session as a client sees it, when no service describes it: a JSON object that updates are
/// merged into, level by level.
struct SessionResource {
  private(set) var json: [UInt8]

  /// More is refused: whoever updates again and again cannot make it grow.
  static let byteCountMax = 256 << 10
  /// Objects in objects that are merged; below that they are replaced.
  private static let levelsMax = 8
  /// Members that updates do not change.
  private static let fixed = ["id", "object", "type"]

  init(id: String, model: String) {
    var object = JsonObject()
    object.add("type", "realtime")
    object.add("object", "realtime.session")
    object.add("id", id)
    object.add("model", model)
    object.add("output_modalities", json: Array(#"["audio"]"#.utf8))
    object.add("instructions", "")
    object.add("tools", json: Array("[]".utf8))
    object.add("audio", json: Array(Self.audio.utf8))
    json = Array(object.text.utf8)
  }

  private static let audio = """
    {"input":{"format":{"type":"audio/pcm","rate":24000},"turn_detection":{"type":"server_vad",\
    "threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":500,"create_response":true,\
    "interrupt_response":true}},"output":{"format":{"type":"audio/pcm","rate":24000}}}
    """

  /// Merges `update`, a JSON object; false when it is none, or the session would grow too large.
  mutating func merge(_ update: [UInt8]) -> Bool {
    guard update.count <= Self.byteCountMax,
      let merged = Self.merge(json, update, level: 0), merged.count <= Self.byteCountMax
    else { return false }
    json = merged
    return true
  }

  /// nil when one of the two is no object that can be looked at whole.
  private static func merge(_ old: [UInt8], _ new: [UInt8], level: Int) -> [UInt8]? {
    guard let before = fields(of: old), let changes = fields(of: new) else { return nil }
    var result = before
    for change in changes {
      if level == 0, fixed.contains(where: { Array($0.utf8) == change.name }) { continue }
      guard let place = result.firstIndex(where: { $0.name == change.name }) else {
        result.append(change)
        continue
      }
      let bothObjects = result[place].isObject && change.isObject && level < levelsMax
      let merged = bothObjects ? merge(result[place].value, change.value, level: level + 1) : nil
      result[place] = change
      if let merged { result[place].value = merged }
    }
    var text: [UInt8] = [UInt8(ascii: "{")]
    for field in result {
      if text.count > 1 { text.append(UInt8(ascii: ",")) }
      text += [UInt8(ascii: "\"")] + field.name + Array("\":".utf8) + field.value
    }
    return text + [UInt8(ascii: "}")]
  }

  private struct Field {
    var name: [UInt8]
    var value: [UInt8]
    var isObject: Bool
  }

  private static func fields(of json: [UInt8]) -> [Field]? {
    let bytes = unsafe json.span.bytes
    guard let members = JsonText.members(of: bytes), members.isWhole else { return nil }
    var fields: [Field] = []
    for index in 0..<members.count {
      let (name, value) = members[index]
      fields.append(
        Field(
          name: JsonText.copy(name, in: bytes), value: JsonText.raw(value, in: bytes),
          isObject: value.kind == .object))
    }
    return fields
  }
}
