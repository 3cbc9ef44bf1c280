import CallClient
import Json
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

  private func sum(_ figure: KeyPath<PacketLedger, UInt64>) -> UInt64 {
    results.reduce(0) { $0 + $1.figures.packets[keyPath: figure] }
  }

  private var refused: UInt64 { results.reduce(0) { $0 + $1.figures.packetsRefused } }
  private var concealed: UInt64 { results.reduce(0) { $0 + $1.figures.framesConcealed } }

  private static func percent(_ part: UInt64, of whole: UInt64) -> Double {
    whole > 0 ? Double(part) / Double(whole) * 100 : 0
  }

  /// How many calls ended for each reason, most frequent first.
  private var failures: [(reason: String, count: Int)] {
    var counts: [String: Int] = [:]
    for result in results where !result.isGood(seconds: seconds) {
      counts[result.failure ?? Self.toneFailure(result.figures), default: 0] += 1
    }
    return Self.mostFirst(counts)
  }

  /// How many calls got an `error` event of each code, most first.
  private var errors: [(reason: String, count: Int)] {
    var counts: [String: Int] = [:]
    for code in results.flatMap(\.errorCodes) { counts[code, default: 0] += 1 }
    return Self.mostFirst(counts)
  }

  private static func mostFirst(_ counts: [String: Int]) -> [(reason: String, count: Int)] {
    counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
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
    ]
    lines += packetLines
    lines += [
      "  frames made up     \(concealed)"
    ]
    if !updates.isEmpty {
      lines.append("  session updated    \(Self.spread(updates, unit: "us"))")
    }
    lines += errors.map { "  error events       \($0.count) calls, \($0.reason)" }
    lines += failures.map { "  failed: \($0.count) x \($0.reason)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private var packetLines: [String] {
    let (sent, unreported) = (sum(\.sent), sum(\.unreported))
    let (lostUp, back) = (sum(\.lostToServer), sum(\.sentByServer))
    let (lostDown, missing) = (sum(\.lostFromServer), sum(\.notReturned))
    let silent = unreported > 0 ? "; no report tells of \(unreported) of these" : ""
    return [
      "  to the server      \(sent) sent, \(sum(\.arrived)) arrived, "
        + "\(Self.loss(lostUp, of: sent))\(silent)",
      "  from the server    \(back) sent, \(sum(\.received)) arrived, "
        + "\(Self.loss(lostDown, of: back)), \(refused) refused",
      "  there and back     \(sent) sent, \(sum(\.returned)) returned, "
        + Self.loss(missing, of: sent),
    ]
  }

  private static func loss(_ lost: UInt64, of sent: UInt64) -> String {
    "\(lost) lost (\(rounded(percent(lost, of: sent), digits: 2)) %)"
  }

  private static func spread(_ values: [UInt64], unit: String) -> String {
    guard let half = percentile(50, of: values), let most = percentile(99, of: values),
      let last = values.last
    else { return "never" }
    return "\(half) \(unit) (median), \(most) (99 of 100), \(last) (slowest)"
  }

  /// One line, keys in a fixed order.
  var json: String {
    var object = JsonObject()
    object.add("calls", results.count)
    object.add("good", good.count)
    object.add("seconds", seconds)
    object.add("connect_ms_median", Self.percentile(50, of: connect))
    object.add("connect_ms_p99", Self.percentile(99, of: connect))
    object.add("connect_ms_max", connect.last)
    object.add("round_trip_us_median", Self.percentile(50, of: roundTrips))
    addPackets(to: &object)
    object.add("packets_refused", refused)
    object.add("frames_concealed", concealed)
    if !updates.isEmpty {
      object.add("updates", updates.count)
      object.add("update_us_median", Self.percentile(50, of: updates))
      object.add("update_us_max", updates.last)
    }
    object.add("errors", Self.object(errors))
    object.add("failures", Self.object(failures))
    return object.text + "\n"
  }

  private func addPackets(to object: inout JsonObject) {
    let (sent, lost) = (sum(\.sent), sum(\.notReturned))
    object.add("packets_sent", sent)
    object.add("packets_returned", sum(\.returned))
    object.add("packets_lost", lost)
    object.add(
      "packets_lost_percent", (Self.percent(lost, of: sent) * 10_000).rounded() / 10_000)
    object.add("to_server_arrived", sum(\.arrived))
    object.add("to_server_lost", sum(\.lostToServer))
    object.add("to_server_unreported", sum(\.unreported))
    object.add("from_server_sent", sum(\.sentByServer))
    object.add("from_server_arrived", sum(\.received))
    object.add("from_server_lost", sum(\.lostFromServer))
  }

  private static func object(_ counts: [(reason: String, count: Int)]) -> JsonObject {
    var object = JsonObject()
    for item in counts { object.add(item.reason, item.count) }
    return object
  }

  private static func rounded(_ value: Double, digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
  }
}
