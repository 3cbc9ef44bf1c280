import CProcess
import Glibc
package import Log
package import Settings
package import Token

/// The settings that the relay and the transceiver have in common.
package enum SharedSettings {
  /// 16 bits in every token and trunk datagram; what names another cluster is not taken.
  package static let cluster = Setting.value(
    "cluster", .integer(0...65535), default: "1", help: "number of the cluster")
  /// Optional only so that `ServerProgram` can say how to make one: without it the program ends.
  package static let keys = Setting<String?>.optional(
    "keys", .file, help: "key file of the deployment (needed; `martlet keys` makes one)")
  /// The words are the raw values of `LogFormat`.
  package static let log = Setting.value(
    "log", .choice(LogFormat.allCases.map(\.rawValue)), default: "text",
    help: "form of the log lines")
  /// nil: nobody is told. No standard stream can be meant; see `ServerProgram.becameReady`.
  package static let readyDescriptor = Setting<Int?>.optional(
    "ready-fd", .integer(3...1023), help: "descriptor to write a line to when ready")
  /// SIGTERM comes then, at once when the parent has ended already. A kernel that refuses to send
  /// it is worth a warning, no more.
  package static let exitWithParent = Setting.flag(
    "exit-with-parent", help: "stop when the process that started this one ends")

  /// For the `declarations` of a command, in the order of its help text.
  package static let declarations: [Declaration] = [
    cluster.declaration, keys.declaration, log.declaration, readyDescriptor.declaration,
    exitWithParent.declaration,
  ]
}

/// A server program around its runtime: reads the common settings, loads the keys, and turns a
/// failure into a log line and an exit status.
package struct ServerProgram {
  /// As the command accepted them; reading one that it does not declare traps.
  package let settings: ParsedSettings
  /// Named after the command, in the form that `SharedSettings.log` says.
  package let log: Log
  /// Of the deployment.
  package let keys: RoutingKeys

  /// Ends the process when the command line or the key file cannot be used.
  package init(_ command: Command) {
    self.init(command, command.settings(from: Array(CommandLine.arguments.dropFirst())))
  }

  /// The same for a command line that has been read.
  package init(_ command: Command, _ settings: ParsedSettings) {
    self.settings = settings
    let format = LogFormat(rawValue: settings[SharedSettings.log]) ?? .text
    log = Log(program: command.name, format: format)
    if settings[SharedSettings.exitWithParent] {
      let failure = cp_exit_with_parent()
      if failure != 0 { log.warning("will outlive its parent: \(systemErrorText(failure))") }
    }
    if time(nil) < TokenClock.beginUnixSeconds {
      log.warning(
        "the clock of this machine is wrong: no token will be good",
        ["remedy": "set it (chronyd, systemd-timesyncd), and start the program again"])
    }
    guard let file = settings[SharedSettings.keys] else {
      log.error("--keys is needed; `martlet keys --file FILE` makes a key file")
      exit(Command.usageStatus)
    }
    do {
      keys = try KeyFile.load(file)
    } catch {
      log.error("\(error)")
      exit(1)
    }
  }

  /// Tells whoever started the process that it is ready. The descriptor stays open: its end tells
  /// of ours.
  package func becameReady(_ sentence: String) {
    guard let descriptor = settings[SharedSettings.readyDescriptor] else { return }
    // What was said of the start is there for whoever acts on this; a stuck reader costs a second.
    log.flush()
    write(sentence + "\n", to: Int32(descriptor))
  }

  /// Ends the process with a sentence about what failed.
  package func fail(_ reason: some CustomStringConvertible) -> Never {
    log.error("\(reason)")
    exit(1)
  }
}
