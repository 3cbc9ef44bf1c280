/// All that a benchmark has seen, and what follows from it. Pure.
struct Results: Equatable, Sendable {
  /// What belongs together: the rounds of one load.
  struct Key: Hashable, Sendable {
    var benchCase: String
    var kind: Forwarder.Kind
    var flows: Int
    /// Percent of the saturation; 100 for saturation itself.
    var percent = 100
  }

  private(set) var samples: [Key: [Sample]] = [:]
  private(set) var hurts: [Forwarder.Kind: [Hurt]] = [:]
  /// Bytes resident: with room for next to no routes, and with all.
  var residentEmpty: Double?
  var residentFull: Double?

  mutating func add(_ sample: Sample, to key: Key) { samples[key, default: []].append(sample) }

  mutating func add(_ hurt: Hurt, of kind: Forwarder.Kind) {
    hurts[kind, default: []].append(hurt)
  }

  /// The median over the rounds of what `figure` says; nil when nothing was measured.
  func median(_ key: Key, _ figure: (Sample) -> Double?) -> Double? {
    samples[key]?.compactMap(figure).median
  }

  /// Whether most rounds did not load the forwarder as they should have.
  func isGeneratorLimited(_ key: Key) -> Bool {
    let rounds = samples[key] ?? []
    let limited = rounds.filter { key.percent == 100 ? $0.isStarved : $0.isLate }
    return limited.count * 2 > rounds.count
  }

  /// Nanoseconds: the median over the rounds of `Sample.latency`; nil when none were measured.
  func latency(_ key: Key, _ share: Double) -> Double? {
    median(key) { $0.latency(share) }
  }

  /// The median of the part of the running calls' packets that a flood cost.
  func hurtLoss(_ kind: Forwarder.Kind) -> Double? { hurts[kind]?.map(\.loss).median }

  /// Whether the senders did not keep their rates in most rounds with a flood.
  func isHurtGeneratorLimited(_ kind: Forwarder.Kind) -> Bool {
    let rounds = hurts[kind] ?? []
    return rounds.filter(\.isLate).count * 2 > rounds.count
  }

  /// Bytes for each of `Plan.routes` routes.
  var bytesPerRoute: Double? {
    guard let residentEmpty, let residentFull else { return nil }
    return (residentFull - residentEmpty) / Double(Plan.routes)
  }

  /// The median of a relay of ours through another forwarder's, of the same load.
  func ratio(
    _ benchCase: String, of own: Forwarder.Kind = .martlet, against kind: Forwarder.Kind,
    flows: Int, percent: Int = 100, _ figure: (Sample) -> Double?
  ) -> Double? {
    let ours = Key(benchCase: benchCase, kind: own, flows: flows, percent: percent)
    let theirs = Key(benchCase: benchCase, kind: kind, flows: flows, percent: percent)
    guard let top = median(ours, figure), let bottom = median(theirs, figure), bottom > 0 else {
      return nil
    }
    return top / bottom
  }
}
