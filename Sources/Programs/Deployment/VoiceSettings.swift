package import Settings

/// How the voice of calls is sent: the settings of a transceiver and of `martlet up`.
package enum VoiceSettings {
  /// The range is Opus's own (RFC 7587, section 6.1).
  package static let bitrate = Setting.value(
    "voice-bitrate", .integer(6_000...510_000), default: "64000",
    help: "bits per second of Opus towards a client on a good network; a client that wants fewer"
      + " gets fewer")

  /// For the `declarations` of a command, in the order of its help text.
  package static let declarations: [Declaration] = [bitrate.declaration]

  /// The same settings as arguments for another program.
  package static func arguments(_ settings: ParsedSettings) -> [String] {
    ["--\(bitrate.name)", "\(settings[bitrate])"]
  }
}
