/// The value of a header field with parameters: `form-data; name="sdp"` (RFC 9110, section 5.6.6).
struct FieldValue: Equatable {
  /// What stands before the first semicolon, in lower case.
  let value: String
  /// By name in lower case; of a repeated parameter the first counts.
  let parameters: [String: String]

  /// Never fails: what cannot be read is left out.
  init(_ field: String) {
    var reader = Reader(rest: Array(field.utf8)[...])
    value = reader.text(until: [UInt8(ascii: ";")]).lowercased()
    var found: [String: String] = [:]
    while reader.skip(UInt8(ascii: ";")) {
      let name = reader.text(until: [UInt8(ascii: "="), UInt8(ascii: ";")]).lowercased()
      guard reader.skip(UInt8(ascii: "=")) else { continue }
      let value = reader.parameterValue()
      if !name.isEmpty, found[name] == nil { found[name] = value }
    }
    parameters = found
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    /// Takes one character when it comes next.
    mutating func skip(_ character: UInt8) -> Bool {
      guard rest.first == character else { return false }
      rest = rest.dropFirst()
      return true
    }

    /// Everything up to one of the characters, or to the end, without the blanks around it.
    mutating func text(until ends: [UInt8]) -> String {
      let part = rest.prefix { !ends.contains($0) }
      rest = rest.dropFirst(part.count)
      let isBlank = { (character: UInt8) in character == 0x20 || character == 0x09 }
      let head = part.drop(while: isBlank)
      let blanks = head.reversed().prefix(while: isBlank).count
      return String(decoding: head.dropLast(blanks), as: UTF8.self)
    }

    /// A token, or a quoted string without its quotes and escapes.
    mutating func parameterValue() -> String {
      rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
      guard skip(UInt8(ascii: "\"")) else { return text(until: [UInt8(ascii: ";")]) }
      var bytes: [UInt8] = []
      while let character = rest.first, character != UInt8(ascii: "\"") {
        rest = rest.dropFirst()
        if character == UInt8(ascii: "\\"), let escaped = rest.first {
          bytes.append(escaped)
          rest = rest.dropFirst()
        } else {
          bytes.append(character)
        }
      }
      // The closing quote, and whatever wrongly follows it.
      rest = rest.drop { $0 != UInt8(ascii: ";") }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
