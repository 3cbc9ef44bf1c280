import Wire

/// What a part of a JSON text is.
package enum JsonKind: UInt8, Hashable, Sendable, BitwiseCopyable {
  case object
  case array
  case string
  case number
  case boolean
  case null
}

/// A value inside a JSON text, by position. Use it with the bytes that it was found in.
package struct JsonPart: Hashable, Sendable, BitwiseCopyable {
  /// Of `.boolean` only the bytes tell whether it is true.
  package var kind: JsonKind
  /// First byte of the value; of a string the one after its quotation mark.
  package var offset: Int
  /// Bytes of the value; of a string those between its quotation marks, escapes as they stand.
  package var count: Int
  /// A string has a backslash in it, so its bytes are not yet its characters.
  package var isEscaped: Bool

  /// Checks nothing: a part that is not of the bytes it is used with traps there, or misleads.
  package init(kind: JsonKind, offset: Int, count: Int, isEscaped: Bool) {
    self.kind = kind
    self.offset = offset
    self.count = count
    self.isEscaped = isEscaped
  }

  /// The first offset after the part.
  package var end: Int { offset + count }
}

/// Finds the members of JSON objects where they stand (RFC 8259), for texts whose large parts must
/// not be copied: an event that carries seconds of sound is checked in one pass and its sound
/// decoded from where it lies. `JsonValue` is for texts that are small and rare.
///
/// Strict: what it accepts is JSON, in UTF-8. Bounded: it does not recurse, and a nesting deeper
/// than `depthMax` is refused. Allocates nothing and never traps, whatever the bytes are.
package enum JsonText {
  /// Levels of arrays and objects in a text.
  package static let depthMax = 64

  /// The members of the object that `bytes` are, with blanks around it at most; nil when they are
  /// not JSON, no object, too deep, or give a name of the first level twice.
  package static func members(of bytes: RawSpan) -> JsonMembers? {
    var scanner = JsonScanner()
    scanner.skipBlanks(bytes)
    guard let found = members(&scanner, bytes) else { return nil }
    scanner.skipBlanks(bytes)
    return scanner.offset == bytes.byteCount ? found : nil
  }

  /// The members of `part`, an object that was found in `bytes`; nil when it is none.
  package static func members(of part: JsonPart, in bytes: RawSpan) -> JsonMembers? {
    guard part.kind == .object, part.end <= bytes.byteCount else { return nil }
    var scanner = JsonScanner(offset: part.offset)
    return members(&scanner, bytes)
  }

  private static func members(_ scanner: inout JsonScanner, _ bytes: RawSpan) -> JsonMembers? {
    var found = JsonMembers()
    guard scanner.take(UInt8(ascii: "{"), bytes) else { return nil }
    scanner.skipBlanks(bytes)
    if scanner.take(UInt8(ascii: "}"), bytes) { return found }
    repeat {
      scanner.skipBlanks(bytes)
      guard let name = scanner.string(bytes) else { return nil }
      scanner.skipBlanks(bytes)
      guard scanner.take(UInt8(ascii: ":"), bytes) else { return nil }
      scanner.skipBlanks(bytes)
      // One level is this object itself.
      guard let value = scanner.value(bytes, depthMax: depthMax - 1),
        found.append(name, value, bytes)
      else { return nil }
      scanner.skipBlanks(bytes)
    } while scanner.take(UInt8(ascii: ","), bytes)
    return scanner.take(UInt8(ascii: "}"), bytes) ? found : nil
  }

  /// Whether the string at `part` is `text`, byte for byte; an escaped one never is.
  package static func equals(_ part: JsonPart?, _ text: StaticString, in bytes: RawSpan) -> Bool {
    guard let part, part.kind == .string, part.count == text.utf8CodeUnitCount else { return false }
    let wanted = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    for index in 0..<part.count {
      guard unsafe bytes.u8(at: part.offset + index) == wanted[index] else { return false }
    }
    return true
  }

  /// The characters of the string at `part`, escapes undone; nil when it is no string, is longer
  /// than `byteCountMax`, or escapes U+0000 or half a surrogate pair. Allocates the text.
  package static func text(
    _ part: JsonPart?, in bytes: RawSpan, byteCountMax: Int = 4_096
  ) -> String? {
    guard let part, part.kind == .string, part.count <= byteCountMax else { return nil }
    guard let plain = try? JsonString.characters(of: part, in: bytes), !plain.contains(0)
    else { return nil }
    return String(decoding: plain, as: UTF8.self)
  }

  /// The number at `part` when it is a whole one of at most 18 digits.
  package static func integer(_ part: JsonPart?, in bytes: RawSpan) -> Int? {
    guard let part, part.kind == .number, part.count <= 19 else { return nil }
    var value = 0
    var isNegative = false
    for index in 0..<part.count {
      let byte = bytes.u8(at: part.offset + index)
      if index == 0, byte == UInt8(ascii: "-") {
        isNegative = true
      } else {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), index < 18 || isNegative
        else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
    }
    return isNegative ? -value : value
  }

  /// The bytes at `part`, copied out.
  package static func copy(_ part: JsonPart, in bytes: RawSpan) -> [UInt8] {
    unsafe bytes.withUnsafeBytes { all in
      unsafe [UInt8](all[part.offset..<part.end])
    }
  }

  /// The value at `part` as it stands, quotation marks of a string included.
  package static func raw(_ part: JsonPart, in bytes: RawSpan) -> [UInt8] {
    guard part.kind == .string else { return copy(part, in: bytes) }
    var whole = part
    whole.offset -= 1
    whole.count += 2
    return copy(whole, in: bytes)
  }
}

/// The first members of an object, in order. Members beyond `capacity` are checked and not kept.
package struct JsonMembers: Sendable {
  /// Members beyond it are not found by name, and two of one name among them go unnoticed;
  /// `isWhole` tells that there are some.
  package static let capacity = 48

  private var names: [48 of JsonPart] = .init(repeating: JsonMembers.nothing)
  private var values: [48 of JsonPart] = .init(repeating: JsonMembers.nothing)
  /// Every member is kept.
  package private(set) var isWhole = true
  /// How many are kept.
  package private(set) var count = 0

  private static let nothing = JsonPart(kind: .null, offset: 0, count: 0, isEscaped: false)

  init() {}

  /// The name and the value of member number `index`.
  package subscript(index: Int) -> (name: JsonPart, value: JsonPart) {
    precondition(index >= 0 && index < count)
    return (names[index], values[index])
  }

  /// The value of the member called `name`; nil when there is none.
  package func value(_ name: StaticString, in bytes: RawSpan) -> JsonPart? {
    for index in 0..<count where JsonText.equals(names[index], name, in: bytes) {
      return values[index]
    }
    return nil
  }

  /// False when the name is there already: two readers might choose different ones of the two.
  mutating func append(_ name: JsonPart, _ value: JsonPart, _ bytes: RawSpan) -> Bool {
    for index in 0..<count where Self.isSame(names[index], name, bytes) { return false }
    guard count < Self.capacity else {
      isWhole = false
      return true
    }
    names[count] = name
    values[count] = value
    count += 1
    return true
  }

  private static func isSame(_ one: JsonPart, _ other: JsonPart, _ bytes: RawSpan) -> Bool {
    guard one.count == other.count else { return false }
    for index in 0..<one.count
    where bytes.u8(at: one.offset + index) != bytes.u8(at: other.offset + index) {
      return false
    }
    return true
  }
}
