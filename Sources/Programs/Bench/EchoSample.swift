/// What one run with an echo server has shown. Pure.
struct EchoSample: Equatable, Sendable {
  var calls = 0
  /// How long it was measured.
  var seconds = 0.0
  /// CPU time of the server, all threads together.
  var cpuNanoseconds = 0.0
  /// The part of the time in which the server could have run and had no CPU.
  var waitedForCpu = 0.0
  /// Memory: with all calls, less that before them, for each.
  var bytesPerCall = 0.0
  /// Measured beside it: a bare server of each kind.
  var inRounds = BareCost()
  var asItComes = BareCost()
  var sameSrtp = BareCost()
  /// What the transceiver counted; nil for another server.
  var shard: ShardLine?

  /// 20 ms of a call, in and out.
  static let framesPerSecond = 50.0

  /// Nanoseconds.
  var cpuPerFrame: Double {
    let frames = Double(calls) * seconds * Self.framesPerSecond
    return frames > 0 ? cpuNanoseconds / frames : 0
  }

  /// Calls that one CPU would bear.
  var callsPerCore: Double {
    cpuPerFrame > 0 ? 1e9 / (cpuPerFrame * Self.framesPerSecond) : 0
  }

  /// Nanoseconds for a frame beyond libopus's; no number where no bare server was measured.
  var withoutOpus: Double {
    inRounds.libraries.opus > 0 ? cpuPerFrame - inRounds.libraries.opus : .nan
  }
}
