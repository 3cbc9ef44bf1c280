import Settings

/// `martlet bench relay`: the relay and other forwarders under the same load, in turns.
package struct Bench {
  private let settings: ParsedSettings

  /// Reads the words after `martlet bench` and runs; gives the exit status.
  package static func run(_ arguments: [String]) -> Int32 {
    guard arguments.first == "relay" else {
      standardError("martlet bench: say what to measure: martlet bench relay\n")
      return Command.usageStatus
    }
    let rest = Array(arguments.dropFirst())
    return Bench(settings: BenchSettings.command.settings(from: rest)).run()
  }

  private func run() -> Int32 {
    do throws(BenchFailure) {
      try measure()
      return 0
    } catch {
      standardError("martlet bench: \(error)\n")
      return 1
    }
  }

  private func measure() throws(BenchFailure) {
    let toolbox = try Toolbox(sources: settings[BenchSettings.sources])
    let wanted = settings[BenchSettings.cases]
    let names = settings[BenchSettings.against].split(separator: ",").map(String.init)
    let kinds = [Forwarder.Kind.martlet] + names.compactMap { Forwarder.Kind(rawValue: $0) }
    for benchCase in BenchCase.all where wanted.isEmpty || wanted.contains(benchCase.name) {
      for round in 1...settings[BenchSettings.rounds] {
        for kind in kinds {
          let trial = try Trial(
            Trial.Order(
              benchCase: benchCase, kind: kind, flows: settings[BenchSettings.flows],
              seconds: Double(settings[BenchSettings.seconds])), toolbox)
          let figures = try trial.saturate()
          standardOutput(
            "\(benchCase.name) round \(round) \(kind.rawValue): "
              + "\(Int(figures.cpuPerPacket)) ns per packet, "
              + "\(Int(figures.packets / figures.seconds)) packets/s, "
              + "busy \(Int(figures.busy * 100)) %, "
              + "\(Int(figures.packetsPerDatagram * 10)) packets per 10 datagrams, "
              + "\(figures.switches) waits, sent \(figures.sent)\n")
        }
      }
    }
  }
}
