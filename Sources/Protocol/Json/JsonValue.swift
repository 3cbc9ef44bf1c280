import CJansson

/// Where and why a text is not JSON: half a sentence, with the number of the line.
package struct JsonDefect: Error, Equatable, CustomStringConvertible {
  package let description: String
}

/// A JSON text, read (RFC 8259). Objects keep their keys in the order of the file.
package indirect enum JsonValue: Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case array([JsonValue])
  case object([Member])

  /// One key of an object and its value.
  package struct Member: Equatable, Sendable {
    package let key: String
    package let value: JsonValue
  }

  /// The value of `key` when this is an object that has it.
  package subscript(key: String) -> JsonValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The text when this is one.
  package var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }
}

extension JsonValue {
  /// Reads one JSON text. A key given twice in one object is refused, and so is anything after
  /// the text.
  package static func parse(_ bytes: [UInt8]) throws(JsonDefect) -> JsonValue {
    var defect = json_error_t()
    let options = 0x1 | 0x4  // JSON_REJECT_DUPLICATES, JSON_DECODE_ANY
    let root = unsafe bytes.withUnsafeBytes { buffer in
      unsafe json_loadb(buffer.baseAddress, buffer.count, options, &defect)
    }
    guard let root = unsafe root else {
      throw JsonDefect(description: reason(&defect))
    }
    defer { unsafe json_decref(root) }
    return unsafe JsonValue(root)
  }

  private static func reason(_ defect: inout json_error_t) -> String {
    let text = unsafe withUnsafeBytes(of: &defect.text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return "line \(defect.line): \(text)"
  }

  /// Depth is bounded by Jansson (2,048 levels).
  private init(_ json: UnsafeMutablePointer<json_t>) {
    switch unsafe json.pointee.type {
    case JSON_OBJECT: self = unsafe .object(JsonValue.members(json))
    case JSON_ARRAY:
      let count = unsafe json_array_size(json)
      self = .array(
        (0..<count).compactMap { index in
          unsafe json_array_get(json, index).map { unsafe JsonValue($0) }
        })
    case JSON_STRING: self = unsafe .text(JsonValue.text(of: json))
    case JSON_INTEGER: self = unsafe .integer(Int(json_integer_value(json)))
    case JSON_REAL: self = unsafe .real(json_real_value(json))
    case JSON_TRUE: self = .boolean(true)
    case JSON_FALSE: self = .boolean(false)
    default: self = .null
    }
  }

  private static func members(_ json: UnsafeMutablePointer<json_t>) -> [Member] {
    var members: [Member] = []
    var position = unsafe json_object_iter(json)
    while let here = unsafe position {
      if let key = unsafe json_object_iter_key(here),
        let value = unsafe json_object_iter_value(here)
      {
        unsafe members.append(Member(key: String(cString: key), value: JsonValue(value)))
      }
      unsafe position = json_object_iter_next(json, here)
    }
    return members
  }

  private static func text(of json: UnsafeMutablePointer<json_t>) -> String {
    guard let start = unsafe json_string_value(json) else { return "" }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: json_string_length(json))
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
