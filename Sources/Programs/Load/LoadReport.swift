import CallClient
import Settings

/// What a load run found, for people and for programs.
struct LoadReport {
  private let results: [LoadResult]
  private let seconds: Int
  private let good: [LoadResult]
  private let connect: [UInt64]
  private let roundTrips: [UInt64]
  /// Empty when nobody asked for events.
  private let updates: [UInt64]

  init(_ results: [LoadResult], seconds: Int) {
    self.results = results
    self.seconds = seconds
    good = results.filter { $0.isGood(seconds: seconds) }
    connect = results.compactMap(\.figures.connectMilliseconds).sorted()
    roundTrips = results.compactMap(\.figures.roundTripMicroseconds).sorted()
    updates = results.compactMap(\.updateMicroseconds).sorted()
  }

  var isGood: Bool { good.count == results.count }

  static func printProgress(speaking: Int, ended: Int, of count: Int) {
    standardError("martlet load: \(speaking) of \(count) calls speak, \(ended) have ended\n")
  }

  private var sent: UInt64 { results.reduce(0) { $0 + $1.figures.packetsSent } }
  private var received: UInt64 { results.reduce(0) { $0 + $1.figures.packetsReceived } }
  private var lost: Int { results.reduce(0) { $0 + max(0, $1.figures.packetsLost) } }
  private var refused: UInt64 { results.reduce(0) { $0 + $1.figures.packetsRefused } }
  private var concealed: UInt64 { results.reduce(0) { $0 + $1.figures.framesConcealed } }

  private var lossPercent: Double {
    let expected = Double(received) + Double(lost)
    return expected > 0 ? Double(lost) / expected * 100 : 0
  }

  /// How many calls ended for each reason, most frequent first.
  private var failures: [(reason: String, count: Int)] {
    var counts: [String: Int] = [:]
    for result in results where !result.isGood(seconds: seconds) {
      counts[result.failure ?? Self.toneFailure(result.figures), default: 0] += 1
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
  }

  private static func toneFailure(_ figures: CallClientFigures) -> String {
    if figures.packetsReceived == 0 { return "nothing was heard" }
    if figures.tone.rightWindows == 0 { return "the tone did not come back" }
    return "the tone came back only at times"
  }

  /// The value that `percent` of the sorted values do not exceed; nil when there are none.
  private static func percentile(_ percent: Int, of values: [UInt64]) -> UInt64? {
    values.isEmpty ? nil : values[min(values.count - 1, values.count * percent / 100)]
  }

  var text: String {
    var lines = [
      "\(good.count) of \(results.count) calls connected and heard their tone for \(seconds) s",
      "  connected after    \(Self.spread(connect, unit: "ms"))",
      "  round trip         \(Self.spread(roundTrips, unit: "us"))",
      "  packets            \(sent) sent, \(received) received, \(lost) lost"
        + " (\(Self.rounded(lossPercent, digits: 2)) %), \(refused) refused",
      "  frames made up     \(concealed)",
    ]
    if !updates.isEmpty {
      lines.append("  session updated    \(Self.spread(updates, unit: "us"))")
    }
    lines += failures.map { "  failed: \($0.count) x \($0.reason)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func spread(_ values: [UInt64], unit: String) -> String {
    guard let half = percentile(50, of: values), let most = percentile(99, of: values),
      let last = values.last
    else { return "never" }
    return "\(half) \(unit) (median), \(most) (99 of 100), \(last) (slowest)"
  }

  /// One line, keys in a fixed order.
  var json: String {
    var fields: [(String, String)] = [
      ("calls", "\(results.count)"), ("good", "\(good.count)"), ("seconds", "\(seconds)"),
      ("connectMillisecondsMedian", Self.number(Self.percentile(50, of: connect))),
      ("connectMilliseconds99", Self.number(Self.percentile(99, of: connect))),
      ("connectMillisecondsMax", Self.number(connect.last)),
      ("roundTripMicrosecondsMedian", Self.number(Self.percentile(50, of: roundTrips))),
      ("packetsSent", "\(sent)"), ("packetsReceived", "\(received)"), ("packetsLost", "\(lost)"),
      ("lossPercent", Self.rounded(lossPercent, digits: 4)), ("packetsRefused", "\(refused)"),
      ("framesConcealed", "\(concealed)"), ("failures", failuresJson),
    ]
    if !updates.isEmpty {
      fields += [
        ("updates", "\(updates.count)"),
        ("updateMicrosecondsMedian", Self.number(Self.percentile(50, of: updates))),
        ("updateMicrosecondsMax", Self.number(updates.last)),
      ]
    }
    return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n"
  }

  private var failuresJson: String {
    let items = failures.map { "\(Self.quoted($0.reason)):\($0.count)" }
    return "{" + items.joined(separator: ",") + "}"
  }

  private static func number(_ value: UInt64?) -> String { value.map { "\($0)" } ?? "null" }

  private static func rounded(_ value: Double, digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
