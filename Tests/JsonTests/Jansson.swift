import CJansson
import Json

/// A text as Jansson reads it, which Martlet read its files with before it had a parser of its own.
@safe struct Jansson: ~Copyable {
  /// nil when it is no JSON to Jansson.
  private let root: UnsafeMutablePointer<json_t>?
  /// Why not, as `JsonDefect` says it.
  let defect: String

  init(_ bytes: [UInt8]) {
    var error = json_error_t()
    let options = 0x1 | 0x4  // JSON_REJECT_DUPLICATES, JSON_DECODE_ANY
    unsafe root = bytes.withUnsafeBytes {
      unsafe json_loadb($0.baseAddress, $0.count, options, &error)
    }
    let text = unsafe withUnsafeBytes(of: &error.text) {
      unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    defect = "line \(error.line): \(text)"
  }

  deinit {
    if let root = unsafe root { unsafe json_decref(root) }
  }

  var isAccepted: Bool { unsafe root != nil }

  /// Whether it has read `value`, to the last bit and byte.
  func hasRead(_ value: JsonValue) -> Bool {
    guard let root = unsafe root else { return false }
    return unsafe Self.isSame(root, value)
  }

  private static func isSame(_ json: UnsafeMutablePointer<json_t>, _ value: JsonValue) -> Bool {
    switch (unsafe json.pointee.type, value) {
    case (JSON_OBJECT, .object(let members)): unsafe isSame(json, members)
    case (JSON_ARRAY, .array(let values)):
      unsafe json_array_size(json) == values.count
        && values.indices.allSatisfy { unsafe isSame(json_array_get(json, $0), values[$0]) }
    case (JSON_STRING, .text(let text)):
      unsafe isSame(json_string_value(json), json_string_length(json), text)
    case (JSON_INTEGER, .integer(let number)): unsafe json_integer_value(json) == number
    case (JSON_REAL, .real(let number)):
      unsafe json_real_value(json).bitPattern == number.bitPattern
    case (JSON_TRUE, .boolean(true)), (JSON_FALSE, .boolean(false)), (JSON_NULL, .null): true
    default: false
    }
  }

  private static func isSame(
    _ json: UnsafeMutablePointer<json_t>, _ members: [JsonValue.Member]
  ) -> Bool {
    guard unsafe json_object_size(json) == members.count else { return false }
    var place = unsafe json_object_iter(json)
    for member in members {
      guard
        unsafe isSame(json_object_iter_key(place), json_object_iter_key_len(place), member.key),
        unsafe isSame(json_object_iter_value(place), member.value)
      else { return false }
      unsafe place = json_object_iter_next(json, place)
    }
    return true
  }

  /// Byte for byte: two Swift strings are equal when they look alike.
  private static func isSame(
    _ start: UnsafePointer<CChar>, _ count: Int, _ text: String
  ) -> Bool {
    unsafe UnsafeRawBufferPointer(start: start, count: count).elementsEqual(text.utf8)
  }
}
