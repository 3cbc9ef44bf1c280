/// Writes one JSON object (RFC 8259), member by member, in order. Only what answers need.
package struct JsonObject: Sendable {
  private var members: [String] = []

  package init() {}

  /// The object as text.
  package var text: String { "{\(members.joined(separator: ","))}" }

  package mutating func add(_ name: String, _ value: String?) {
    members.append("\(Self.quoted(name)):\(value.map(Self.quoted) ?? "null")")
  }

  package mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
    members.append("\(Self.quoted(name)):\(value.map { "\($0)" } ?? "null")")
  }

  /// Numbers that JSON cannot hold (not a number, infinite) become null.
  package mutating func add(_ name: String, _ value: Double?) {
    let text = value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null"
    members.append("\(Self.quoted(name)):\(text)")
  }

  package mutating func add(_ name: String, _ value: Bool) {
    members.append("\(Self.quoted(name)):\(value)")
  }

  package mutating func add(_ name: String, _ value: JsonObject?) {
    members.append("\(Self.quoted(name)):\(value?.text ?? "null")")
  }

  /// A value that is JSON already.
  package mutating func add(_ name: String, json: [UInt8]) {
    members.append("\(Self.quoted(name)):\(String(decoding: json, as: UTF8.self))")
  }

  package mutating func add(_ name: String, _ values: [JsonObject]) {
    add(name, list: values.map(\.text))
  }

  package mutating func add(_ name: String, _ values: [String]) {
    add(name, list: values.map(Self.quoted))
  }

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
