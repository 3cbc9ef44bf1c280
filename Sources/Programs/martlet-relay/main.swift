// martlet-relay: reads its settings and forwards until it is asked to stop.
import Deployment
import RelayRuntime

let program = ServerProgram(RelaySettings.command)
do {
  try Relay.run(RelaySettings.options(program), log: program.log) { program.becameReady($0) }
} catch {
  program.fail(error)
}
