/// Writes one JSON object (RFC 8259), member by member, in order. Only what answers need.
package struct JsonObject: Sendable {
  private var members: [String] = []

  /// `{}` until something is added. Names are not compared: one added twice stands there twice.
  package init() {}

  /// The object as text.
  package var text: String { "{\(members.joined(separator: ","))}" }

  /// Escapes quotation marks, backslashes and control characters; nil becomes null.
  package mutating func add(_ name: String, _ value: String?) {
    members.append("\(Self.quoted(name)):\(value.map(Self.quoted) ?? "null")")
  }

  /// Writes all digits, though readers that keep doubles are exact to 2^53 only (RFC 8259, section
  /// 6); nil becomes null.
  package mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
    members.append("\(Self.quoted(name)):\(value.map { "\($0)" } ?? "null")")
  }

  /// Numbers that JSON cannot hold (not a number, infinite) become null.
  package mutating func add(_ name: String, _ value: Double?) {
    let text = value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null"
    members.append("\(Self.quoted(name)):\(text)")
  }

  /// Has no null: leave the member out when there is nothing to say.
  package mutating func add(_ name: String, _ value: Bool) {
    members.append("\(Self.quoted(name)):\(value)")
  }

  /// Takes the object as it is now; nil becomes null.
  package mutating func add(_ name: String, _ value: JsonObject?) {
    members.append("\(Self.quoted(name)):\(value?.text ?? "null")")
  }

  /// A value that is JSON already.
  package mutating func add(_ name: String, json: [UInt8]) {
    members.append("\(Self.quoted(name)):\(String(decoding: json, as: UTF8.self))")
  }

  /// A list, in the order given; `[]` when it is empty.
  package mutating func add(_ name: String, _ values: [JsonObject]) {
    add(name, list: values.map(\.text))
  }

  /// A list of texts, each escaped like a single one; `[]` when it is empty.
  package mutating func add(_ name: String, _ values: [String]) {
    add(name, list: values.map(Self.quoted))
  }

  /// A list of whole numbers with all their digits; `[]` when it is empty.
  package mutating func add(_ name: String, _ values: [some BinaryInteger]) {
    add(name, list: values.map { "\($0)" })
  }

  private mutating func add(_ name: String, list: [String]) {
    members.append("\(Self.quoted(name)):[\(list.joined(separator: ","))]")
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
