// martlet-relay: reads its settings and forwards until it is asked to stop.
import Deployment
import Glibc
import RelayRuntime
import Settings

let command = RelaySettings.command
let settings = command.settings(from: Array(CommandLine.arguments.dropFirst()))
if settings[RelaySettings.explain] {
  do {
    standardOutput(try Explanation.text(settings))
    exit(0)
  } catch {
    standardError("\(command.name): \(error)\n")
    exit(1)
  }
}
let program = ServerProgram(command, settings)
do {
  try Relay.run(RelaySettings.options(settings, keys: program.keys), log: program.log) {
    program.becameReady($0)
  }
} catch {
  program.fail(error)
}
