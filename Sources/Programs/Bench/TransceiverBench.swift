import Settings

/// `martlet bench transceiver`: what a call costs, beside what its libraries and system calls cost
/// by themselves and beside a server on Pion.
struct TransceiverBench {
  /// Frames of each measurement of the bare sum.
  private static let bareFrames = 2_000
  private static let systemFrames = 5_000

  private let settings: ParsedSettings
  private let calls: [Int]
  private let rounds: Int
  private let seconds: Double

  init(_ settings: ParsedSettings) {
    typealias Known = TransceiverBenchSettings
    self.settings = settings
    let isQuick = settings[Known.quick]
    calls = isQuick && !settings.isGiven(Known.calls) ? [50] : settings[Known.calls]
    rounds = isQuick && !settings.isGiven(Known.rounds) ? 1 : settings[Known.rounds]
    seconds = isQuick && !settings.isGiven(Known.seconds) ? 3 : Double(settings[Known.seconds])
  }

  func run() -> Int32 {
    do throws(BenchFailure) {
      let report = try measure(Toolbox(sources: settings[TransceiverBenchSettings.sources]))
      standardOutput(settings[TransceiverBenchSettings.json] ? report.json : report.text)
      return report.failures.isEmpty ? 0 : 1
    } catch {
      standardError("martlet bench: \(error)\n")
      return 1
    }
  }

  private func measure(_ toolbox: Toolbox) throws(BenchFailure) -> TransceiverReport {
    var report = TransceiverReport(machine: .here(), calls: calls)
    var pion: String?
    if settings[TransceiverBenchSettings.noPion] {
      report.skipped.append("skipped: pion: --no-pion")
    } else {
      do throws(BenchFailure) {
        pion = try toolbox.buildPion()
      } catch {
        report.skipped.append("skipped: pion: \(error)")
        standardError("martlet bench: skipped: pion: \(error)\n")
      }
    }
    for round in 1...rounds {
      for calls in calls {
        for kind in EchoServer.Kind.allCases where kind == .martlet || pion != nil {
          var words = "round \(round), \(kind.rawValue), \(calls) calls: "
          do throws(BenchFailure) {
            let sample = try sample(kind, calls, toolbox, pion)
            report.samples[kind, default: []].append(sample)
            words += "\(Number.text(sample.cpuPerFrame / 1e3)) us for a frame"
          } catch {
            words += "failed: \(error)"
            report.failures.append(words)
          }
          standardError("martlet bench: \(words)\n")
        }
      }
    }
    return report
  }

  /// One run of a server between two measurements of the bare sum.
  private func sample(
    _ kind: EchoServer.Kind, _ calls: Int, _ toolbox: Toolbox, _ pion: String?
  ) throws(BenchFailure) -> EchoSample {
    let work = try BareWork(calls: calls)
    let before = try onServerCpu { () throws(BenchFailure) in
      try work.cost(frameCount: Self.bareFrames)
    }
    let server = try EchoServer(kind, toolbox, pion: pion)
    var sample = try server.measure(calls: calls, seconds: seconds)
    let shard = server.stop()
    guard kind == .pion || shard != nil else {
      throw BenchFailure("the transceiver did not say what it had counted")
    }
    sample.shard = kind == .martlet ? shard : nil
    let after = try onServerCpu { () throws(BenchFailure) in
      try work.cost(frameCount: Self.bareFrames)
    }
    sample.libraries = LibraryCost(mean: before, after)
    if let shard = sample.shard {
      sample.system = try onServerCpu { () throws(BenchFailure) in
        try SystemCost(shard, frames: Self.systemFrames)
      }
    }
    return sample
  }

  /// Works where the server does.
  private func onServerCpu<Result>(
    _ body: () throws(BenchFailure) -> Result
  ) throws(BenchFailure) -> Result {
    let cpus = Processors.all()
    Processors.bind([cpus[cpus.count - 1]])
    defer { Processors.bind(cpus) }
    return try body()
  }
}

extension LibraryCost {
  init(mean one: LibraryCost, _ other: LibraryCost) {
    self.init(
      decode: (one.decode + other.decode) / 2, encode: (one.encode + other.encode) / 2,
      unprotect: (one.unprotect + other.unprotect) / 2, protect: (one.protect + other.protect) / 2)
  }
}
