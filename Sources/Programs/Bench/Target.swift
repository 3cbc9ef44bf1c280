/// What the relay must reach, and what was seen.
struct Target: Equatable, Sendable {
  enum Bound: Equatable, Sendable { case atMost, atLeast }

  /// A sentence without the figures: "CPU per packet, up-1400-t1, martlet / go".
  let name: String
  let bound: Bound
  let limit: Double
  let seen: Double
  /// Whether the load generator was the limit for what was seen.
  var isLimited = false

  var isMet: Bool { bound == .atMost ? seen <= limit : seen >= limit }

  /// By how much the limit was missed, in percent of the limit; 0 when it was met.
  var missedPercent: Double {
    guard !isMet, limit > 0 else { return 0 }
    return abs(seen - limit) / limit * 100
  }

  /// "met" or "missed by 12 %", and a star when the load generator was the limit.
  var verdict: String {
    let words = isMet ? "met" : limit > 0 ? "missed by \(Number.text(missedPercent)) %" : "missed"
    return isLimited ? words + " *" : words
  }
}

extension Target {
  /// Limits on the ratio of the relay's CPU time per packet to another's.
  private static let cpuLimits: [(benchCase: String, go: Double, c: Double)] = [
    ("up-1400-t1", 0.30, 0.50), ("up-8900-t1", 0.25, 0.40), ("up-1400-t16", 0.60, 0.90),
    ("down", 0.50, 0.75),
  ]

  /// The limit for the CPU ratio of a case; nil where none was set.
  static func cpuLimit(_ benchCase: String, against kind: Forwarder.Kind) -> Double? {
    guard let row = cpuLimits.first(where: { $0.benchCase == benchCase }) else { return nil }
    return kind == .go ? row.go : kind == .c ? row.c : nil
  }

  /// The limit for the ratio of the packets a second on one core; nil where none was set.
  static func rateLimit(_ benchCase: String, against kind: Forwarder.Kind) -> Double? {
    guard benchCase == "mixed" else { return nil }
    return kind == .go ? 2.2 : kind == .c ? 1.4 : nil
  }

  /// All targets of which something was seen, in the order of the report.
  static func all(_ results: Results, flows: Int, kinds: [Forwarder.Kind]) -> [Target] {
    let others = kinds.filter { $0 == .go || $0 == .c }
    let ratios = BenchCase.all.flatMap { benchCase in
      kinds.filter(\.isOurs).flatMap { own in
        others.flatMap { ratioTargets(results, benchCase.name, own, $0, flows) }
      }
    }
    return ratios + others.compactMap { latencyTarget(results, $0, flows) }
      + flowTargets(results, flows) + memoryTargets(results) + hurtTargets(results)
  }

  private static func ratioTargets(
    _ results: Results, _ name: String, _ own: Forwarder.Kind, _ kind: Forwarder.Kind,
    _ flows: Int
  ) -> [Target] {
    var targets: [Target] = []
    if let limit = cpuLimit(name, against: kind),
      let seen = results.ratio(name, of: own, against: kind, flows: flows, { $0.cpuPerPacket })
    {
      targets.append(
        Target(
          name: "CPU per packet, \(name), \(own.rawValue) / \(kind.rawValue)", bound: .atMost,
          limit: limit, seen: seen))
    }
    if let limit = rateLimit(name, against: kind),
      let seen = results.ratio(
        name, of: own, against: kind, flows: flows, { $0.packetsPerSecondPerCore })
    {
      targets.append(
        Target(
          name: "packets/s per core, \(name), \(own.rawValue) / \(kind.rawValue)", bound: .atLeast,
          limit: limit, seen: seen))
    }
    return targets
  }

  private static func latencyTarget(
    _ results: Results, _ kind: Forwarder.Kind, _ flows: Int
  ) -> Target? {
    for benchCase in BenchCase.all {
      var key = Results.Key(benchCase: benchCase.name, kind: .martlet, flows: flows, percent: 50)
      guard let ours = results.latency(key, 0.99) else { continue }
      key.kind = kind
      guard let theirs = results.latency(key, 0.99), theirs > 0 else { return nil }
      return Target(
        name: "latency p99 at 50 % of its own saturation, martlet / \(kind.rawValue)",
        bound: .atMost, limit: kind == .go ? 1 : 1.2, seen: ours / theirs,
        isLimited: [.martlet, kind].contains { kind in
          key.kind = kind
          return results.isGeneratorLimited(key)
        })
    }
    return nil
  }

  private static func flowTargets(_ results: Results, _ flows: Int) -> [Target] {
    let many = 100_000
    for benchCase in BenchCase.all where flows < many {
      var key = Results.Key(benchCase: benchCase.name, kind: .martlet, flows: many)
      guard let later = results.median(key, { $0.cpuPerPacket }) else { continue }
      key.flows = flows
      guard let first = results.median(key, { $0.cpuPerPacket }) else { return [] }
      return [
        Target(
          name: "CPU per packet, \(many) flows / \(flows) flows", bound: .atMost, limit: 1.25,
          seen: later / first)
      ]
    }
    return []
  }

  private static func memoryTargets(_ results: Results) -> [Target] {
    guard let bytes = results.bytesPerRoute, let full = results.residentFull else { return [] }
    return [
      Target(name: "bytes of memory per route", bound: .atMost, limit: 64, seen: bytes),
      Target(
        name: "MB resident with \(Plan.routes) routes", bound: .atMost, limit: 64,
        seen: full / 1e6),
    ]
  }

  private static func hurtTargets(_ results: Results) -> [Target] {
    guard let ours = results.hurtLoss(.martlet) else { return [] }
    var targets = [
      Target(
        name: "% of \(Plan.calls) calls' packets lost in a flood of forged tokens",
        bound: .atMost, limit: 0.1, seen: ours * 100)
    ]
    if let theirs = results.hurtLoss(.go) {
      targets.append(
        Target(
          name: "the same, not above the Go relay's", bound: .atMost, limit: theirs * 100,
          seen: ours * 100))
    }
    return targets
  }
}
