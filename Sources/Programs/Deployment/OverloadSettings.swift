package import Settings

/// When a transceiver's shard counts as overloaded: the settings of a transceiver and of
/// `martlet up`.
package enum OverloadSettings {
  package static let overload = Setting.value(
    "overload", .choice(["refuse", "warn"]), default: "refuse",
    help: "what a shard does that cannot keep up: refuse new calls (503), or only say so")
  package static let late = Setting.value(
    "overload-late", .integer(1...101), default: "25",
    help: "percent of frames more than 10 ms late, 3 s long, that make it overloaded; 101: never")
  package static let busy = Setting.value(
    "overload-busy", .integer(1...101), default: "85",
    help: "percent of a CPU that its thread may take; more calls than that allows make it so, 3 s"
      + " long; 101: never")

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
