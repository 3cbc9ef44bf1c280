import Wire

/// Makes values of what the scanner moves over. Not recursive: what is open waits in an array.
struct JsonParser {
  private var scanner = JsonScanner()
  /// The arrays and objects that are open, the innermost last.
  private var levels: [Level] = []

  /// An array or an object that has begun.
  private struct Level {
    let isObject: Bool
    var values: [JsonValue] = []
    var members: [JsonValue.Member] = []
    /// The key whose value comes next.
    var key = ""
    /// The keys so far, byte for byte: two that only look alike are different (section 8.3).
    var keys: Set<[UInt8]> = []

    mutating func append(_ value: JsonValue) {
      if isObject {
        members.append(JsonValue.Member(key: key, value: value))
      } else {
        values.append(value)
      }
    }

    var end: UInt8 { isObject ? UInt8(ascii: "}") : UInt8(ascii: "]") }
    var closed: JsonValue { isObject ? .object(members) : .array(values) }
  }

  /// The value that `bytes` are, with blanks around it at most.
  mutating func parse(_ bytes: RawSpan) throws(JsonDefect) -> JsonValue {
    while true {
      guard let value = try begin(bytes), let whole = try place(value, bytes) else { continue }
      scanner.skipBlanks(bytes)
      guard scanner.offset == bytes.byteCount else {
        throw JsonDefect("end of file expected", at: scanner.offset, in: bytes)
      }
      return whole
    }
  }

  /// Moves over the beginning of a value. Gives the value when that is all of it; nil when a level
  /// has opened, whose first value comes next.
  private mutating func begin(_ bytes: RawSpan) throws(JsonDefect) -> JsonValue? {
    scanner.skipBlanks(bytes)
    if scanner.offset == bytes.byteCount, let level = levels.last, !level.isObject {
      throw JsonDefect("']' expected", at: scanner.offset, in: bytes)
    }
    guard levels.count < JsonValue.depthMax else {
      throw JsonDefect("maximum parsing depth reached", at: scanner.offset, in: bytes)
    }
    if scanner.take(UInt8(ascii: "{"), bytes) { return try open(isObject: true, bytes) }
    if scanner.take(UInt8(ascii: "["), bytes) { return try open(isObject: false, bytes) }
    return try scalar(bytes)
  }

  private mutating func open(
    isObject: Bool, _ bytes: RawSpan
  ) throws(JsonDefect) -> JsonValue? {
    let level = Level(isObject: isObject)
    scanner.skipBlanks(bytes)
    if scanner.take(level.end, bytes) { return level.closed }
    levels.append(level)
    if isObject { try key(bytes) }
    return nil
  }

  /// Puts `value` into its level and closes what ends behind it. Gives the value that was closed
  /// last when no level is left; nil when another value comes next.
  private mutating func place(
    _ value: JsonValue, _ bytes: RawSpan
  ) throws(JsonDefect) -> JsonValue? {
    var value = value
    while let innermost = levels.indices.last {
      // In place: a copy of the level would make each append copy all that is in it.
      levels[innermost].append(value)
      scanner.skipBlanks(bytes)
      if scanner.take(UInt8(ascii: ","), bytes) {
        if levels[innermost].isObject { try key(bytes) }
        return nil
      }
      guard scanner.take(levels[innermost].end, bytes) else {
        let expected = levels[innermost].isObject ? "'}' expected" : "']' expected"
        throw JsonDefect(expected, at: scanner.offset, in: bytes)
      }
      value = levels.removeLast().closed
    }
    return value
  }

  /// Moves over a key and its colon.
  private mutating func key(_ bytes: RawSpan) throws(JsonDefect) {
    scanner.skipBlanks(bytes)
    let start = scanner.offset
    guard let part = scanner.string(bytes) else {
      throw JsonDefect("string or '}' expected", at: start, in: bytes)
    }
    let key = try characters(part, bytes, zero: "NUL byte in object key not supported")
    guard levels[levels.count - 1].keys.insert(key).inserted else {
      throw JsonDefect("duplicate object key", at: start, in: bytes)
    }
    levels[levels.count - 1].key = String(decoding: key, as: UTF8.self)
    scanner.skipBlanks(bytes)
    guard scanner.take(UInt8(ascii: ":"), bytes) else {
      throw JsonDefect("':' expected", at: scanner.offset, in: bytes)
    }
  }

  private mutating func scalar(_ bytes: RawSpan) throws(JsonDefect) -> JsonValue {
    let start = scanner.offset
    guard let part = scanner.scalar(bytes) else { throw JsonDefect(nil, at: start, in: bytes) }
    switch part.kind {
    case .string:
      let zero = "\\u0000 is not allowed without JSON_ALLOW_NUL"
      return .text(String(decoding: try characters(part, bytes, zero: zero), as: UTF8.self))
    case .number:
      guard let number = JsonNumber.value(of: part, in: bytes) else {
        throw JsonDefect(nil, at: start, in: bytes)
      }
      return number
    case .boolean: return .boolean(bytes.u8(at: start) == UInt8(ascii: "t"))
    case .null, .array, .object: return .null
    }
  }

  /// What a string spells; the sentence `zero` is for U+0000 in it.
  private func characters(
    _ part: JsonPart, _ bytes: RawSpan, zero: String
  ) throws(JsonDefect) -> [UInt8] {
    guard let characters = try? JsonString.characters(of: part, in: bytes) else {
      throw JsonDefect(nil, at: part.offset - 1, in: bytes)
    }
    guard !characters.contains(0) else { throw JsonDefect(zero, at: part.offset - 1, in: bytes) }
    return characters
  }
}
