package import Settings
package import Wire

/// Who may use the HTTP API: the settings of a transceiver and of `martlet up`, and the rule that
/// holds them together.
package enum HttpAccess {
  /// Read by `ApiKeyFile`: only its owner may be able to read the file. Not together with
  /// `noAuthentication`.
  package static let apiKeys = Setting<String?>.optional(
    "api-keys", .file, help: "file of API keys, one a line; HTTP then asks everybody for one")
  /// Needed for an HTTP address that is no loopback one when there are no keys: see `conflict`.
  package static let noAuthentication = Setting.flag(
    "no-auth", help: "serve everybody who reaches the HTTP address, even if it is no loopback")
  /// What `Host` and `Origin` may say (RFC 9110, section 7.2; RFC 6454, section 7) beside loopback
  /// names; others may be DNS rebinding. Refused beside `apiKeys` and `noAuthentication`, where
  /// every name will do.
  package static let names = Setting<[String]>.list(
    "http-name", .hostName,
    help: "name that browsers may call the HTTP side by where no key is needed, beside localhost")

  /// More get 429. nil: half of `--calls`, rounded up, and no limit for loopback addresses.
  package static let callsPerCaller = Setting<Int?>.optional(
    "calls-per-caller", .integer(1...1_000_000),
    help: "calls at once of one API key, or of one address (IPv6: /64) where no key is needed;"
      + " half of --calls when not given, and then no limit for loopback addresses")
  /// More get 429. nil: the 16 of `TransceiverOptions`.
  package static let callsPerSecret = Setting<Int?>.optional(
    "calls-per-secret", .integer(1...1_000_000),
    help: "calls at once of one client secret; 16 when not given")
  /// `stun:` and `turn:` URLs, whose form the transceiver checks. No credential: `conflict` refuses
  /// a comma, since everybody on the machine can read a command line.
  package static let iceServers = Setting<[String]>.list(
    "ice-server", .text("URL"),
    help: "STUN or TURN server that clients are told of with the answer")
  /// Read by `IceServerFile`: only its owner may be able to read it, since it may hold credentials.
  /// Its servers come after those of `iceServers`.
  package static let iceServerFile = Setting<String?>.optional(
    "ice-server-file", .file,
    help: "file of such servers, one a line: URL or URL,USER,CREDENTIAL")

  /// For the `declarations` of a command, in the order of its help text.
  package static let declarations: [Declaration] = [
    apiKeys.declaration, noAuthentication.declaration, names.declaration,
    callsPerCaller.declaration, callsPerSecret.declaration, iceServers.declaration,
    iceServerFile.declaration,
  ]

  /// The settings as a program that takes them is given them on its command line.
  package static func arguments(_ settings: ParsedSettings) -> [String] {
    var words = settings[apiKeys].map { ["--api-keys", $0] } ?? []
    if settings[noAuthentication] { words.append("--no-auth") }
    if let calls = settings[callsPerCaller] { words += ["--calls-per-caller", "\(calls)"] }
    if let calls = settings[callsPerSecret] { words += ["--calls-per-secret", "\(calls)"] }
    if let file = settings[iceServerFile] { words += ["--ice-server-file", file] }
    return words + settings[names].flatMap { ["--http-name", $0] }
      + settings[iceServers].flatMap { ["--ice-server", $0] }
  }

  /// What is wrong when the HTTP side is for other machines and no voice can come from there; nil
  /// when that is not so. Not refused: whoever forwards ports to this machine may mean it.
  package static func silentCallers(
    http: TransportAddress, candidates: [TransportAddress]
  ) -> String? {
    guard !http.isLoopback, !candidates.isEmpty, candidates.allSatisfy(\.isLoopback) else {
      return nil
    }
    let names = candidates.map { "\($0)" }.joined(separator: ", ")
    return
      "--http \(http) is for other machines, but they are told to send their voice to \(names), "
      + "which is themselves: only clients on this machine can talk. Give --candidate (and "
      + "the relay's --listen, or --media of `martlet up`) an address that they can reach"
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
    // A command line is for everybody to read; the sentence must not hold the credential either.
    if settings[iceServers].contains(where: { $0.contains(",") }) {
      return "--ice-server takes a URL and no credential, which everybody on this machine could "
        + "read: write URL,USER,CREDENTIAL into a file that only its owner can read and give it "
        + "with --ice-server-file"
    }
    guard !hasKeys, !settings[noAuthentication], !http.isLoopback else { return nil }
    return "--http \(http) can be reached from other machines and nobody would be asked for a key: "
      + "give a file of API keys (--api-keys FILE, one a line), listen on a loopback address, or "
      + "say --no-auth if everybody there may make calls"
  }
}
