import Json

/// Reads settings from a JSON object whose keys are the names of the command-line options, without
/// the dashes before them: `{"http": "127.0.0.1:8080", "workers": 2, "media": ["[::1]:3478"]}`.
enum ConfigurationFile {
  /// The texts of each setting named in the file, checked against its declaration.
  static func texts(
    _ bytes: [UInt8], file: String, declarations: [Declaration]
  ) throws(SettingsError) -> [String: [String]] {
    guard case .object(let members) = try JsonValue.parse(bytes, file: file) else {
      throw .malformed(file: file, reason: "not a JSON object")
    }
    var found: [String: [String]] = [:]
    for member in members {
      guard let declaration = declarations.first(where: { $0.name == member.key }) else {
        let names = declarations.map(\.name)
        let nearest = nearestName(to: member.key, among: names)
        throw .unknown(origin: file, name: member.key, nearest: nearest)
      }
      found[member.key] = try texts(member.value, declaration, origin: "\(file): \"\(member.key)\"")
    }
    return found
  }

  private static func texts(
    _ value: JsonValue, _ declaration: Declaration, origin: String
  ) throws(SettingsError) -> [String] {
    var values = [value]
    if declaration.arity == .many, case .array(let several) = value { values = several }
    var texts: [String] = []
    for value in values {
      let text = scalarText(value, flag: declaration.arity == .flag)
      guard let text, declaration.accepts(text) else {
        let shown = scalarText(value, flag: true) ?? scalarText(value, flag: false) ?? "a list"
        throw .badValue(origin: origin, value: shown, expected: declaration.expected)
      }
      texts.append(text)
    }
    return texts
  }

  /// The text that would be typed for this value; only a flag takes `true` and `false`.
  private static func scalarText(_ value: JsonValue, flag: Bool) -> String? {
    switch value {
    case .text(let text): flag ? nil : text
    case .integer(let number): flag ? nil : String(number)
    case .real(let number): flag ? nil : String(number)
    case .boolean(let isOn): flag ? String(isOn) : nil
    case .null, .array, .object: nil
    }
  }
}
