/// What one run has shown.
struct Sample: Equatable, Sendable {
  /// Packets that the forwarder has dealt with: those that came out, in a flood those it refused.
  var packets = 0.0
  /// Packets that were sent to it.
  var sent = 0.0
  /// How long this was measured.
  var seconds = 0.0
  /// CPU time of the forwarder, all threads together.
  var cpuNanoseconds = 0.0
  /// The forwarder's part of the time in which it ran or could have run: 1 when it was never
  /// without work.
  var busy = 0.0
  /// How often the forwarder waited for something.
  var waits = 0.0
  /// Packets in each datagram on the trunk; nil when nothing went there.
  var packetsPerDatagram: Double?
  /// Packets that should have been sent, by the rate, and were not.
  var missed = 0.0
  /// From a client's sending to the arrival at the transceiver, for each slice of the run; empty
  /// when it was not measured.
  var latencies: [Histogram] = []
  /// Bytes that the forwarder had resident at the end.
  var residentBytes = 0.0

  /// Nanoseconds; nil when no packet was dealt with.
  var cpuPerPacket: Double? { packets > 0 ? cpuNanoseconds / packets : nil }

  /// Packets that a CPU of its own would bear in a second.
  var packetsPerSecondPerCore: Double? { cpuNanoseconds > 0 ? packets / cpuNanoseconds * 1e9 : nil }

  /// Nanoseconds that `share` of the packets did not exceed, in the middle one of the slices: a
  /// virtual machine that is not run for some milliseconds spoils a few slices, and no more.
  func latency(_ share: Double) -> Double? { latencies.compactMap { $0.quantile(share) }.median }

  /// The same of all packets of the run together.
  func wholeLatency(_ share: Double) -> Double? {
    latencies.reduce(into: Histogram()) { $0.add($1) }.quantile(share)
  }

  /// Packets for each time that the forwarder had waited; nil when it never did.
  var packetsPerWait: Double? { waits > 0 ? packets / waits : nil }

  /// The part of the packets that did not come out.
  var loss: Double { sent > 0 ? max(0, 1 - packets / sent) : 0 }

  /// Whether the forwarder could have done more than it was given. For runs at saturation.
  var isStarved: Bool { busy < 0.95 }

  /// Whether the senders did not keep the rate. For runs at a rate.
  var isLate: Bool { missed > 0.03 * (sent + missed) }
}
