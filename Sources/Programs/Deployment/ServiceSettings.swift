package import Settings

/// Which AI service answers calls, and how it is reached: the settings of a transceiver and of
/// `martlet up`.
package enum ServiceSettings {
  /// nil: no service can answer, and `keyFile`, `caFile` and any `rate` but the default are
  /// refused. No error text repeats it, since some people put keys into URLs.
  package static let url = Setting<String?>.optional(
    "backend-url", .text("URL"),
    help: "AI service: ws://, wss:// (Realtime events) or tcp:// (AudioSocket)")
  /// Read by `key(file:)`. Refused for tcp://, which has no place for a key.
  package static let keyFile = Setting<String?>.optional(
    "backend-key-file", .file, help: "file with the key that the service wants, and nothing else")
  /// Refused for anything but wss://.
  package static let caFile = Setting<String?>.optional(
    "backend-ca-file", .file,
    help: "authorities (PEM) for wss://, instead of the system's")
  /// Put into the query of a ws:// or wss:// URL that names no model yet.
  package static let model = Setting<String?>.optional(
    "backend-model", .text("NAME"), help: "model to ask the service for")
  /// Hertz, as it is typed. Only another rate needs a `url`.
  package static let defaultRate = "24000"
  /// Hertz, the same both ways; a text, because it is one of three words.
  package static let rate = Setting.value(
    "backend-rate", .choice([defaultRate, "16000", "8000"]), default: defaultRate,
    help: "samples a second towards the service and back")

  /// For the `declarations` of a command, in the order of its help text.
  package static let declarations: [Declaration] = [
    url.declaration, keyFile.declaration, caFile.declaration, model.declaration, rate.declaration,
  ]

  /// Why the settings do not go together with each other and with who answers by default; nil when
  /// they do.
  package static func conflict(_ settings: ParsedSettings, backend: String) -> String? {
    let schemes = ["realtime": ["ws", "wss"], "audiosocket": ["tcp"]]
    guard let given = settings[url] else {
      if schemes[backend] != nil { return "--backend \(backend) needs --backend-url" }
      let lone =
        [keyFile, caFile].first { settings[$0] != nil }.map(\.name)
        ?? (settings[rate] == defaultRate ? nil : rate.name)
      return lone.map { "--\($0) needs --backend-url" }
    }
    let scheme = given.prefix { $0 != ":" }.lowercased()
    guard schemes.values.joined().contains(scheme), given.dropFirst(scheme.count).hasPrefix("://")
    else {
      // Some people put keys into URLs: it is not repeated.
      return "--backend-url must begin with ws://, wss:// or tcp://"
    }
    if let right = schemes[backend], !right.contains(scheme) {
      let wanted = right.map { "\($0)://" }.joined(separator: " or ")
      return "--backend \(backend) needs a --backend-url of \(wanted)"
    }
    if settings[caFile] != nil, scheme != "wss" { return "--backend-ca-file is for wss:// only" }
    guard settings[keyFile] != nil, scheme == "tcp" else { return nil }
    return "AudioSocket (tcp://) has no place for a key"
  }

  /// The same settings as arguments for another program. No key is among them.
  package static func arguments(_ settings: ParsedSettings) -> [String] {
    let given = [url, keyFile, caFile, model].flatMap { setting in
      settings[setting].map { ["--\(setting.name)", $0] } ?? []
    }
    return given.isEmpty ? [] : given + ["--\(rate.name)", settings[rate]]
  }

  /// The key in a file: the only line that is not empty. Only its owner may be able to read it, and
  /// no error text holds any of it.
  package static func key(file: String) throws(SettingsError) -> String {
    let bytes = try FileContents.read(file, secret: true)
    let lines = bytes.split { $0 == 0x0A || $0 == 0x0D }.filter { !$0.isEmpty }
    guard lines.count == 1, let line = lines.first else {
      throw .malformed(file: file, reason: "holds \(lines.count) lines; a key is one")
    }
    guard line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .malformed(file: file, reason: "a key is ASCII without blanks")
    }
    return String(decoding: line, as: UTF8.self)
  }
}
