import CProcess
import Log
import RelayRuntime
import Settings

/// The program, from its arguments to its exit status.
enum RelayProgram {
  /// To be called on the main thread, before there is another one.
  static func run(_ arguments: [String]) -> Int32 {
    let settings = RelaySettings.command.settings(from: arguments)
    let format = LogFormat(rawValue: settings[RelaySettings.log]) ?? .text
    let log = Log(program: "martlet-relay", format: format)
    do {
      if settings[RelaySettings.exitWithParent] { try exitWithParent() }
      let options = try RelaySettings.options(settings)
      let readyDescriptor = settings[RelaySettings.readyDescriptor]
      try Relay.run(options, log: log) { sentence in
        if let readyDescriptor { write(sentence + "\n", to: Int32(readyDescriptor)) }
      }
      return 0
    } catch {
      log.error("\(error)")
      return 1
    }
  }

  /// Has the kernel stop this process when its parent dies.
  private static func exitWithParent() throws {
    let failure = cp_exit_with_parent()
    guard failure == 0 else {
      throw RelaySettings.Refusal(
        description: "cannot be bound to the parent's life: \(systemErrorText(failure))")
    }
  }
}
