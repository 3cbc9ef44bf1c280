import Wire

/// A place in a JSON text that moves over what is well formed (RFC 8259).
///
/// Each function gives nil or false at the first byte that does not fit and may then stand
/// anywhere. Not recursive: the open arrays and objects are the bits of one number.
struct JsonScanner {
  var offset = 0

  /// Moves over blanks.
  mutating func skipBlanks(_ bytes: RawSpan) {
    while offset < bytes.byteCount {
      switch bytes.u8(at: offset) {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  /// Moves over `byte` when it stands here.
  mutating func take(_ byte: UInt8, _ bytes: RawSpan) -> Bool {
    guard offset < bytes.byteCount, bytes.u8(at: offset) == byte else { return false }
    offset += 1
    return true
  }

  /// Moves over one value of any kind, with at most `depthMax` (1...64) levels in it.
  mutating func value(_ bytes: RawSpan, depthMax: Int) -> JsonPart? {
    guard offset < bytes.byteCount else { return nil }
    let start = offset
    switch bytes.u8(at: offset) {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let kind: JsonKind = bytes.u8(at: offset) == UInt8(ascii: "{") ? .object : .array
      guard skipNested(bytes, depthMax) else { return nil }
      return JsonPart(kind: kind, offset: start, count: offset - start, isEscaped: false)
    default: return scalar(bytes)
    }
  }

  /// Moves over an array or an object whose first byte stands here.
  private mutating func skipNested(_ bytes: RawSpan, _ depthMax: Int) -> Bool {
    // The lowest bit is the innermost level: 1 for an object.
    var levels: UInt64 = 0
    var depth = 0
    while true {
      // Here a value begins.
      guard offset < bytes.byteCount else { return false }
      let byte = bytes.u8(at: offset)
      var isComplete = true
      if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        let isObject = byte == UInt8(ascii: "{")
        guard depth < depthMax else { return false }
        offset += 1
        skipBlanks(bytes)
        if !take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"), bytes) {
          levels = levels << 1 | (isObject ? 1 : 0)
          depth += 1
          isComplete = false
          if isObject, !name(bytes) { return false }
        }
      } else {
        guard scalar(bytes) != nil else { return false }
      }
      if isComplete {
        guard close(bytes, &levels, &depth) else { return false }
        if depth == 0 { return true }
      }
    }
  }

  /// After a value: closes what ends here and moves to the next value; depth 0 when all is closed.
  private mutating func close(_ bytes: RawSpan, _ levels: inout UInt64, _ depth: inout Int) -> Bool
  {
    while depth > 0 {
      let isObject = levels & 1 == 1
      skipBlanks(bytes)
      if take(UInt8(ascii: ","), bytes) {
        skipBlanks(bytes)
        return isObject ? name(bytes) : true
      }
      guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"), bytes) else { return false }
      levels >>= 1
      depth -= 1
    }
    return true
  }

  /// Moves over a name, the colon and the blanks around it.
  private mutating func name(_ bytes: RawSpan) -> Bool {
    guard string(bytes) != nil else { return false }
    skipBlanks(bytes)
    guard take(UInt8(ascii: ":"), bytes) else { return false }
    skipBlanks(bytes)
    return true
  }

  /// Moves over a string.
  mutating func string(_ bytes: RawSpan) -> JsonPart? {
    guard take(UInt8(ascii: "\""), bytes) else { return nil }
    let start = offset
    var isEscaped = false
    while true {
      skipPlain(bytes)
      guard offset < bytes.byteCount else { return nil }
      switch bytes.u8(at: offset) {
      case UInt8(ascii: "\""):
        offset += 1
        return JsonPart(
          kind: .string, offset: start, count: offset - 1 - start, isEscaped: isEscaped)
      case UInt8(ascii: "\\"):
        isEscaped = true
        guard escape(bytes) else { return nil }
      case 0x80...:
        guard let next = Utf8.end(of: bytes, at: offset) else { return nil }
        offset = next
      default: return nil
      }
    }
  }

  /// Moves over ASCII that stands for itself, eight bytes at a time where it can: all of a sound.
  private mutating func skipPlain(_ bytes: RawSpan) {
    let every: UInt64 = 0x0101_0101_0101_0101
    let top = every << 7
    while offset + 8 <= bytes.byteCount {
      let word = bytes.u64(at: offset)
      // The top bit of a byte is set where it is below blank, a quotation mark, a backslash, or
      // not ASCII; a borrow may set one too many behind it, which the loop below sorts out.
      let low = (word &- every &* 0x20) & ~word
      let quote = word ^ (every &* 0x22)
      let slash = word ^ (every &* 0x5C)
      let special =
        low | ((quote &- every) & ~quote) | ((slash &- every) & ~slash) | word
      guard special & top == 0 else { break }
      offset += 8
    }
    while offset < bytes.byteCount {
      let byte = bytes.u8(at: offset)
      guard byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5C else { return }
      offset += 1
    }
  }

  /// Moves over a backslash and what belongs to it.
  private mutating func escape(_ bytes: RawSpan) -> Bool {
    guard offset + 1 < bytes.byteCount else { return false }
    switch bytes.u8(at: offset + 1) {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:  // " \ / b f n r t
      offset += 2
      return true
    case UInt8(ascii: "u"):
      guard offset + 6 <= bytes.byteCount else { return false }
      for index in 2..<6 {
        guard Self.isHexadecimal(bytes.u8(at: offset + index)) else { return false }
      }
      offset += 6
      return true
    default: return false
    }
  }

  /// Moves over a string, a number, `true`, `false` or `null`.
  mutating func scalar(_ bytes: RawSpan) -> JsonPart? {
    guard offset < bytes.byteCount else { return nil }
    let start = offset
    let kind: JsonKind
    switch bytes.u8(at: offset) {
    case UInt8(ascii: "\""): return string(bytes)
    case UInt8(ascii: "t"):
      guard word("true", bytes) else { return nil }
      kind = .boolean
    case UInt8(ascii: "f"):
      guard word("false", bytes) else { return nil }
      kind = .boolean
    case UInt8(ascii: "n"):
      guard word("null", bytes) else { return nil }
      kind = .null
    default:
      guard number(bytes) else { return nil }
      kind = .number
    }
    return JsonPart(kind: kind, offset: start, count: offset - start, isEscaped: false)
  }

  /// Moves over `text` when no other letter follows it.
  private mutating func word(_ text: StaticString, _ bytes: RawSpan) -> Bool {
    let end = offset + text.utf8CodeUnitCount
    guard end <= bytes.byteCount else { return false }
    for index in 0..<text.utf8CodeUnitCount {
      guard unsafe bytes.u8(at: offset + index) == text.utf8Start[index] else { return false }
    }
    guard end == bytes.byteCount || !Self.isLetter(bytes.u8(at: end)) else { return false }
    offset = end
    return true
  }

  static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// Moves over a number; else to the first byte that does not belong to one.
  private mutating func number(_ bytes: RawSpan) -> Bool {
    _ = take(UInt8(ascii: "-"), bytes)
    if take(UInt8(ascii: "0"), bytes) {
      // A zero at the beginning stands alone.
      guard !isDigit(bytes) else { return false }
    } else {
      guard digits(bytes) else { return false }
    }
    if take(UInt8(ascii: "."), bytes) {
      guard digits(bytes) else { return false }
    }
    if take(UInt8(ascii: "e"), bytes) || take(UInt8(ascii: "E"), bytes) {
      if !take(UInt8(ascii: "+"), bytes) { _ = take(UInt8(ascii: "-"), bytes) }
      return digits(bytes)
    }
    return true
  }

  private mutating func digits(_ bytes: RawSpan) -> Bool {
    let start = offset
    while isDigit(bytes) { offset += 1 }
    return offset > start
  }

  private func isDigit(_ bytes: RawSpan) -> Bool {
    offset < bytes.byteCount && (0x30...0x39).contains(bytes.u8(at: offset))
  }
}
