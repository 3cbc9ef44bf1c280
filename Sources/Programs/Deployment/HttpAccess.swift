package import Settings
package import Wire

/// Who may use the HTTP API: the settings of a transceiver and of `martlet up`, and the rule that
/// holds them together.
package enum HttpAccess {
  package static let apiKeys = Setting<String?>.optional(
    "api-keys", .file, help: "file of API keys, one a line; HTTP then asks everybody for one")
  package static let noAuthentication = Setting.flag(
    "no-auth", help: "serve everybody who reaches the HTTP address, even if it is no loopback")
  package static let names = Setting<[String]>.list(
    "http-name", .hostName,
    help: "name that browsers may call the HTTP side by where no key is needed, beside localhost")

  package static let callsPerCaller = Setting<Int?>.optional(
    "calls-per-caller", .integer(1...1_000_000),
    help: "calls at once of one API key, or of one address (IPv6: /64) where no key is needed")
  package static let callsPerSecret = Setting<Int?>.optional(
    "calls-per-secret", .integer(1...1_000_000),
    help: "calls at once of one client secret; 16 when not given")
  package static let iceServers = Setting<[String]>.list(
    "ice-server", .text("URL[,USER,CREDENTIAL]"),
    help: "STUN or TURN server that clients are told of with the answer")

  package static let declarations: [Declaration] = [
    apiKeys.declaration, noAuthentication.declaration, names.declaration,
    callsPerCaller.declaration, callsPerSecret.declaration, iceServers.declaration,
  ]

  /// The settings as a program that takes them is given them on its command line.
  package static func arguments(_ settings: ParsedSettings) -> [String] {
    var words = settings[apiKeys].map { ["--api-keys", $0] } ?? []
    if settings[noAuthentication] { words.append("--no-auth") }
    if let calls = settings[callsPerCaller] { words += ["--calls-per-caller", "\(calls)"] }
    if let calls = settings[callsPerSecret] { words += ["--calls-per-secret", "\(calls)"] }
    return words + settings[names].flatMap { ["--http-name", $0] }
      + settings[iceServers].flatMap { ["--ice-server", $0] }
  }

  /// Why the settings do not go together: a sentence that says what to do; nil when they do.
  ///
  /// Whoever reaches the API can make calls and end those whose ID they know, so it is open only
  /// where nobody else's machine can reach it, or where somebody said that it shall be.
  package static func conflict(
    _ http: TransportAddress, _ settings: ParsedSettings
  ) -> String? {
    let hasKeys = settings[apiKeys] != nil
    if hasKeys && settings[noAuthentication] {
      return "--api-keys and --no-auth contradict each other"
    }
    if !settings[names].isEmpty, hasKeys || settings[noAuthentication] {
      return "--http-name is for an API that neither --api-keys nor --no-auth is given for: with "
        + "them, every name will do"
    }
    guard !hasKeys, !settings[noAuthentication], !http.isLoopback else { return nil }
    return "--http \(http) can be reached from other machines and nobody would be asked for a key: "
      + "give a file of API keys (--api-keys FILE, one a line), listen on a loopback address, or "
      + "say --no-auth if everybody there may make calls"
  }
}

/// A file of API keys: one a line; blanks around them, empty lines and lines that begin with `#` do
/// not count. Only its owner may be able to read it.
package enum ApiKeyFile {
  /// Bytes of a key. A short one could be guessed.
  static let lengths = 20...256
  /// More keys than a file has: each costs a comparison at each request.
  static let keysMax = 1_000

  /// Reads and checks a file. No error text holds a key.
  package static func load(_ path: String) throws(SettingsError) -> [String] {
    try parse(FileContents.read(path, secret: true), file: path)
  }

  /// Checks the text of a file; `file` is its name for error texts.
  package static func parse(_ bytes: [UInt8], file: String) throws(SettingsError) -> [String] {
    var keys: [String] = []
    for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
      let key = line.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
      if key.isEmpty || key.first == UInt8(ascii: "#") { continue }
      guard lengths.contains(key.count), key.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .malformed(
          file: file,
          reason: "line \(index + 1): an API key has \(lengths.lowerBound) to "
            + "\(lengths.upperBound) characters of ASCII and no blanks")
      }
      let text = String(decoding: key, as: UTF8.self)
      // What begins so is read as a client secret, and would never be found here.
      guard !text.hasPrefix("ek_") else {
        throw .malformed(
          file: file, reason: "line \(index + 1): ek_ is the beginning of client secrets")
      }
      keys.append(text)
    }
    guard (1...keysMax).contains(keys.count) else {
      throw .malformed(file: file, reason: "holds \(keys.count) API keys; 1 to \(keysMax) can be")
    }
    return keys
  }
}
