import Crypto
import Machine
import RelayRuntime
import Settings
import Token

/// `martlet-relay --explain`.
enum Explanation {
  /// The layout for these settings. A layout has no secrets: it is made with keys that nobody has,
  /// so that it can be asked for by a user who may not read the key file.
  static func text(_ settings: ParsedSettings) throws -> String {
    var random = SecureRandom()
    let options = RelaySettings.options(settings, keys: RoutingKeys.generate(random: &random))
    return try Relay.explain(
      options, MachineFiles(root: settings[RelaySettings.machineRoot] ?? ""),
      asJson: settings[RelaySettings.json])
  }

  /// What is wrong with the settings around it; nil when nothing is.
  static func conflict(_ settings: ParsedSettings) -> String? {
    guard !settings[RelaySettings.explain] else { return nil }
    if settings[RelaySettings.json] { return "--json goes with --explain" }
    if settings[RelaySettings.machineRoot] != nil { return "--machine-root goes with --explain" }
    return settings[RelaySettings.transceiver].isEmpty
      ? "--transceiver NODE.SHARD=ADDR is needed, one for each shard" : nil
  }
}
