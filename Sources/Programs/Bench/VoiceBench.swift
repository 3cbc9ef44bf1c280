import Glibc
import Launcher
import Settings

/// `martlet bench voice`: how calls sound on bad networks. The work is done by a Python program of
/// the source tree, tools/bench/voice, because that is the language of the measures (PESQ, STOI)
/// and of one of the servers beside us.
struct VoiceBench {
  private let settings: ParsedSettings

  init(_ settings: ParsedSettings) { self.settings = settings }

  /// Gives the exit status.
  func run() -> Int32 {
    do throws(BenchFailure) {
      let sources = try Toolbox.sources(settings[VoiceBenchSettings.sources])
      let python = sources + "/../../.build/voice-venv/bin/python"
      if unsafe access(python, X_OK) != 0 {
        standardError("martlet bench: the first run installs what it needs (tools/bench/setup)\n")
        guard try Self.status(of: sources + "/setup", ["voice"]) == 0 else {
          throw BenchFailure("\(sources)/setup voice failed")
        }
      }
      return try Self.status(of: python, ["-B", sources + "/voice"] + words)
    } catch {
      standardError("martlet bench: \(error)\n")
      return 1
    }
  }

  /// What the Python program is told: what we were told, and where the programs are.
  var words: [String] {
    typealias Known = VoiceBenchSettings
    var words = ["--programs", String(Siblings.path(of: "martlet").dropLast("/martlet".count))]
    for setting in [
      Known.networks, Known.servers, Known.clients, Known.directions, Known.plot, Known.listen,
      Known.keep,
    ] {
      if let text = settings[setting] { words += ["--\(setting.name)", text] }
    }
    for setting in [Known.seeds, Known.seconds, Known.callsAtOnce] {
      if let number = settings[setting] { words += ["--\(setting.name)", String(number)] }
    }
    for flag in [Known.quick, Known.wer, Known.json] where settings[flag] {
      words.append("--\(flag.name)")
    }
    return words
  }

  /// Runs a program to its end; gives its exit status, 1 when a signal ended it.
  private static func status(
    of path: String, _ arguments: [String]
  ) throws(BenchFailure) -> Int32 {
    let ending = try Toolbox.ending(of: path, arguments)
    let prefix = "ended with status "
    return ending.hasPrefix(prefix) ? Int32(ending.dropFirst(prefix.count)) ?? 1 : 1
  }
}
