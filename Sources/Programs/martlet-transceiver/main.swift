// martlet-transceiver: reads its settings and owns calls until it is asked to stop.
import Deployment
import Log
import TransceiverRuntime
import Wire

let program = ServerProgram(TransceiverSettings.command)
do {
  try Transceiver.run(TransceiverSettings.options(program), log: program.log) { http, trunks in
    let sentence = "martlet-transceiver is ready: http://\(http)"
    program.log.info(
      sentence, ["trunk": "\(trunks.map(\.description).joined(separator: " "))"])
    program.becameReady(sentence)
  }
} catch {
  program.fail(error)
}
