import Settings

/// `martlet bench transceiver`: what a call costs, beside what its libraries and system calls cost
/// by themselves and beside a server on Pion.
struct TransceiverBench {
  /// How long a bare server is measured, before and after each run.
  private static let bareSeconds = 0.7

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
        for kind in EchoServer.Kind.allCases where kind != .pion || pion != nil {
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

  /// One run of a server between two measurements of bare ones.
  private func sample(
    _ kind: EchoServer.Kind, _ calls: Int, _ toolbox: Toolbox, _ pion: String?
  ) throws(BenchFailure) -> EchoSample {
    let kinds: [BareKind] =
      switch kind {
      case .martlet: BareKind.allCases
      case .pion: [.inRounds]
      // Its coder is another one than the bare server's.
      case .lossy: []
      }
    let before = try bare(calls, kinds)
    let server = try EchoServer(kind, toolbox, pion: pion)
    var sample = try server.measure(calls: calls, seconds: seconds)
    let shard = server.stop()
    guard kind == .pion || shard != nil else {
      throw BenchFailure("the transceiver did not say what it had counted")
    }
    sample.shard = kind == .pion ? nil : shard
    let after = try bare(calls, kinds)
    for (kind, (before, after)) in zip(kinds, zip(before, after)) {
      sample[keyPath: kind.cost] = BareCost(mean: before, after)
    }
    return sample
  }

  private func bare(_ calls: Int, _ kinds: [BareKind]) throws(BenchFailure) -> [BareCost] {
    var costs: [BareCost] = []
    for kind in kinds {
      costs.append(try BareServer.cost(calls: calls, seconds: Self.bareSeconds, kind))
    }
    return costs
  }
}
