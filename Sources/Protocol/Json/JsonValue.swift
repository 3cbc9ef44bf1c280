/// A JSON text, read (RFC 8259). Objects keep their keys in the order of the file.
///
/// For texts that are small and rare; `JsonText` looks at large ones where they lie.
package enum JsonValue: Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case array([JsonValue])
  case object([Member])

  /// One key of an object and its value.
  package struct Member: Equatable, Sendable {
    /// Escapes undone. No other member of the object has the same.
    package let key: String
    /// May be `.null`, which is not the same as a member that is missing.
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
  /// Reads one JSON text, in time that grows with its length only.
  ///
  /// Stricter than the grammar, as far as it lets readers differ (RFC 8259, sections 4, 6, 8, 9):
  /// refused are a key given twice in one object, U+0000, half a surrogate pair, a whole number
  /// beyond 64 bits, another beyond a double, more than `depthMax` levels, a byte order mark, and
  /// anything after the text.
  package static func parse(_ bytes: [UInt8]) throws(JsonDefect) -> JsonValue {
    var parser = JsonParser()
    return try unsafe parser.parse(bytes.span.bytes)
  }

  /// Levels of values in a text; the text itself is one. Comparing and freeing a value recurse, so
  /// this bounds them.
  package static let depthMax = 2_048
}
