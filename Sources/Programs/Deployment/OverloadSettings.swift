package import Settings

/// When a transceiver's shard counts as overloaded: the settings of a transceiver and of
/// `martlet up`.
package enum OverloadSettings {
  /// An overloaded shard says so in the log with both words; new calls get 503 with `refuse` only.
  package static let overload = Setting.value(
    "overload", .choice(["refuse", "warn"]), default: "refuse",
    help: "what a shard does that cannot keep up: refuse new calls (503), or only say so")
  /// Percent of a second's frames; three such seconds in a row make the shard overloaded. No share
  /// reaches 101.
  package static let late = Setting.value(
    "overload-late", .integer(1...101), default: "25",
    help: "percent of frames more than 10 ms late, 3 s long, that make it overloaded; 101: never")
  /// Percent of one CPU, since a shard is one thread; frames begin to be late at about 95.
  /// With `refuse` it also bounds how many calls a shard takes, by what those that it has cost it.
  package static let busy = Setting.value(
    "overload-busy", .integer(1...101), default: "85",
    help: "percent of a CPU that its thread may take; more calls than that allows make it so, 3 s"
      + " long; 101: never")

  /// For the `declarations` of a command, in the order of its help text.
  package static let declarations: [Declaration] = [
    overload.declaration, late.declaration, busy.declaration,
  ]

  /// The same settings as arguments for another program.
  package static func arguments(_ settings: ParsedSettings) -> [String] {
    [
      "--\(overload.name)", settings[overload], "--\(late.name)", "\(settings[late])",
      "--\(busy.name)", "\(settings[busy])",
    ]
  }
}
