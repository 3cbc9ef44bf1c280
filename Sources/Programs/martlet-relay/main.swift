// martlet-relay: reads its settings and runs the relay until it is asked to stop.
import Deployment
import Glibc
import Log
import RelayRuntime
import Settings

let settings = RelaySettings.command.settings(from: Array(CommandLine.arguments.dropFirst()))
let log = Log(
  program: "martlet-relay", format: LogFormat(rawValue: settings[RelaySettings.log]) ?? .text)
do {
  if settings[RelaySettings.exitWithParent] { try exitWithParent() }
  let options = try RelaySettings.options(settings)
  let readyDescriptor = settings[RelaySettings.readyDescriptor]
  try Relay.run(options, log: log) { sentence in
    if let readyDescriptor { write(sentence + "\n", to: Int32(readyDescriptor)) }
  }
} catch {
  log.error("\(error)")
  exit(1)
}
