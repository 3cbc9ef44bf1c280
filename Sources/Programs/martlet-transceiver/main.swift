// martlet-transceiver: reads its settings and owns calls until it is asked to stop.
import Deployment
import TransceiverRuntime
import Wire

let program = ServerProgram(TransceiverSettings.command)
do {
  try Transceiver.run(TransceiverSettings.options(program), log: program.log) { http, trunks in
    program.becameReady([
      "http": "\(http)", "trunk": "\(trunks.map(\.description).joined(separator: ","))",
    ])
  }
} catch {
  program.fail(error)
}
