/// What a shard of the transceiver says in its last log line. Pure.
struct ShardLine: Equatable, Sendable {
  /// Client packets that came in bundles.
  var packets = 0.0
  var bundles = 0.0
  var packetsSent = 0.0
  var bundlesSent = 0.0
  /// Turns of its loop: it waited as often.
  var turns = 0.0
  var receiveCalls = 0.0
  var sendCalls = 0.0
  var receivedBytes = 0.0
  var sentBytes = 0.0
  /// Microseconds: see `TransceiverBenchSettings`.
  var inMedian = 0.0
  var in99 = 0.0
  var outMedian = 0.0
  var out99 = 0.0
  /// Frames of calls that were due, and those of them that were done more than 10 ms after it.
  var frames = 0.0
  var lateFrames = 0.0

  /// Reads the line out of a log; nil when it is not there, or a figure of it.
  init?(log: String) {
    guard
      let line = log.split(separator: "\n").last(where: { $0.contains(" shard-stopped ") })
    else { return nil }
    var values: [Substring: Double] = [:]
    for word in line.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2, let value = Double(parts[1]) { values[parts[0]] = value }
    }
    let fields: [(WritableKeyPath<ShardLine, Double>, Substring)] = [
      (\.packets, "packets"), (\.bundles, "bundles"), (\.packetsSent, "packets_sent"),
      (\.bundlesSent, "bundles_sent"), (\.turns, "turns"), (\.receiveCalls, "receive_calls"),
      (\.sendCalls, "send_calls"), (\.receivedBytes, "received_bytes"),
      (\.sentBytes, "sent_bytes"), (\.inMedian, "in_p50_us"), (\.in99, "in_p99_us"),
      (\.outMedian, "out_p50_us"), (\.out99, "out_p99_us"), (\.frames, "frames"),
      (\.lateFrames, "frames_late"),
    ]
    for (field, name) in fields {
      guard let value = values[name] else { return nil }
      self[keyPath: field] = value
    }
  }
}
