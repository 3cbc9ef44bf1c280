import CTraffic
import Runtime
import Settings

/// `martlet bench relay`: the relay and other forwarders under the same load, in turns.
package struct Bench {
  private let settings: ParsedSettings
  private let isQuick: Bool
  private let rounds: Int
  private let seconds: Double

  /// Reads the words after `martlet bench` and runs; gives the exit status.
  package static func run(_ arguments: [String]) -> Int32 {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "relay": return Bench(BenchSettings.command.settings(from: rest)).run()
    case "transceiver":
      return TransceiverBench(TransceiverBenchSettings.command.settings(from: rest)).run()
    case "voice": return VoiceBench(VoiceBenchSettings.command.settings(from: rest)).run()
    case "--help", "-h":
      let commands = [
        BenchSettings.command, TransceiverBenchSettings.command, VoiceBenchSettings.command,
      ]
      standardOutput(commands.map(\.helpText).joined(separator: "\n"))
      return 0
    default:
      return Command.refuse("martlet bench", "say \"relay\", \"transceiver\" or \"voice\"")
    }
  }

  private init(_ settings: ParsedSettings) {
    self.settings = settings
    isQuick = settings[BenchSettings.quick]
    let isGiven = settings.isGiven(BenchSettings.seconds)
    rounds =
      isQuick && !settings.isGiven(BenchSettings.rounds) ? 3 : settings[BenchSettings.rounds]
    seconds = isQuick && !isGiven ? 0.4 : Double(settings[BenchSettings.seconds])
  }

  private func run() -> Int32 {
    do throws(BenchFailure) {
      if let file = settings[BenchSettings.plot], let trouble = OutputFile.trouble(with: file) {
        throw BenchFailure("--plot: \(trouble.sentence)")
      }
      let toolbox = try Toolbox(sources: settings[BenchSettings.sources])
      let report = try measure(toolbox)
      standardOutput(settings[BenchSettings.json] ? report.json : report.text)
      if let file = settings[BenchSettings.plot] {
        try toolbox.draw(Plot(report), machine: report.machine.text, out: file)
      }
      return report.failures.isEmpty ? 0 : 1
    } catch {
      standardError("martlet bench: \(error)\n")
      return 1
    }
  }

  private func measure(_ toolbox: Toolbox) throws(BenchFailure) -> Report {
    var kinds = [Forwarder.Kind.martlet]
    var skipped: [String] = []
    for kind in settings[BenchSettings.against] {
      do throws(BenchFailure) {
        _ = try toolbox.program(kind)
        kinds.append(kind)
      } catch {
        skipped.append("skipped: \(kind.rawValue): \(error)")
        standardError("martlet bench: \(skipped[skipped.count - 1])\n")
      }
    }
    if ct_enter_namespace() != 0 {
      standardError("martlet bench: no network namespace of its own: the senders use sockets\n")
      skipped.append("skipped: martlet-frames: it wants a network namespace of its own")
    } else if let refusal = Forwarder.refusalOfFrames() {
      skipped.append("skipped: martlet-frames: \(refusal)")
    } else {
      kinds.insert(.frames, at: 1)
    }
    let plan = Plan(wishes(kinds))
    var runner = Runner(toolbox: toolbox, seconds: seconds)
    var failures: [String] = []
    for (number, step) in plan.steps.enumerated() {
      var words: String
      do throws(BenchFailure) {
        words = try runner.run(step)
      } catch {
        words = "failed: \(step.text): \(error)"
        failures.append(words)
      }
      standardError("martlet bench: \(number + 1) of \(plan.steps.count): \(words)\n")
    }
    return Report(
      machine: .here(), results: runner.results, kinds: kinds,
      flows: settings[BenchSettings.flows], skipped: skipped, failures: failures)
  }

  private func wishes(_ kinds: [Forwarder.Kind]) -> Plan.Wishes {
    var wishes = Plan.Wishes()
    let names = settings[BenchSettings.cases]
    wishes.cases = BenchCase.all.filter { names.isEmpty || names.contains($0.name) }
    wishes.kinds = kinds
    wishes.flows = settings[BenchSettings.flows]
    wishes.rounds = rounds
    if !names.isEmpty { wishes.extras = Set(names.compactMap { Plan.Extra(rawValue: $0) }) }
    if names.isEmpty {
      wishes.moreFlows = isQuick ? [100_000] : [10_000, 100_000]
      wishes.moreFlowsRounds = isQuick ? 1 : rounds
    }
    return wishes
  }
}
