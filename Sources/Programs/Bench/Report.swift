import Json

/// What a benchmark says at its end, for people and for programs. Pure.
struct Report: Equatable, Sendable {
  var machine: Machine
  var results: Results
  /// The relay first.
  var kinds: [Forwarder.Kind]
  /// Clients, unless a row says another number.
  var flows: Int
  /// What was left out, and why: sentences.
  var skipped: [String] = []
  /// The runs that could not be made, and why: sentences.
  var failures: [String] = []

  /// The rows of the report: every case with every forwarder and number of clients that was
  /// measured, in the order of the cases.
  var keys: [Results.Key] {
    let numbers = Set(results.samples.keys.map(\.flows)).sorted()
    return BenchCase.all.flatMap { benchCase in
      numbers.flatMap { flows in
        kinds.map { Results.Key(benchCase: benchCase.name, kind: $0, flows: flows) }
      }
    }.filter { results.samples[$0] != nil }
  }

  /// The figures of a relay of ours through another's, of one load.
  struct Ratio: Equatable, Sendable {
    var benchCase: String
    var of: Forwarder.Kind
    var against: Forwarder.Kind
    var flows: Int
    var cpu: Double
    var rate: Double
  }

  /// In the order of the rows.
  var ratios: [Ratio] {
    keys.filter { !$0.kind.isOurs }.flatMap { key in
      kinds.filter(\.isOurs).compactMap { ratio(of: $0, key) }
    }
  }

  private func ratio(of own: Forwarder.Kind, _ key: Results.Key) -> Ratio? {
    guard
      let cpu = results.ratio(
        key.benchCase, of: own, against: key.kind, flows: key.flows, { $0.cpuPerPacket }),
      let rate = results.ratio(
        key.benchCase, of: own, against: key.kind, flows: key.flows,
        { $0.packetsPerSecondPerCore })
    else { return nil }
    return Ratio(
      benchCase: key.benchCase, of: own, against: key.kind, flows: key.flows, cpu: cpu, rate: rate)
  }

  var targets: [Target] { Target.all(results, flows: flows, kinds: kinds) }
}

extension Report {
  /// One line of JSON. A figure that was not measured is null.
  var json: String {
    var machine = JsonObject()
    machine.add("processor", self.machine.processor)
    machine.add("cpus", self.machine.cpus)
    machine.add("kernel", self.machine.kernel)
    machine.add("system", self.machine.system)
    var object = JsonObject()
    object.add("machine", machine)
    object.add("results", keys.map(row))
    object.add("ratios", ratios.map(Self.ratio))
    object.add("targets", targets.map(Self.target))
    object.add("hurt", kinds.compactMap(hurt))
    object.add("memory", memory)
    object.add("skipped", skipped.map(Self.reason))
    object.add("failures", failures.map(Self.reason))
    return object.text + "\n"
  }

  private func row(_ key: Results.Key) -> JsonObject {
    var row = JsonObject()
    row.add("case", key.benchCase)
    row.add("forwarder", key.kind.rawValue)
    row.add("flows", key.flows)
    row.add("cpu_ns_per_packet", results.median(key) { $0.cpuPerPacket })
    row.add(
      "packets_per_second_per_core", results.median(key) { $0.packetsPerSecondPerCore })
    row.add("packets_per_second", results.median(key) { $0.packets / $0.seconds })
    row.add("loss", results.median(key) { $0.loss })
    row.add("packets_per_datagram", results.median(key) { $0.packetsPerDatagram })
    row.add("generator_limited", results.isGeneratorLimited(key))
    row.add("latency_us", latency(key, percent: 50))
    row.add("loads", Plan.latencyPercents.compactMap { load(key, percent: $0) })
    row.add("rounds", results.samples[key]?.count)
    return row
  }

  private func latency(_ key: Results.Key, percent: Int) -> JsonObject? {
    var key = key
    key.percent = percent
    guard results.latency(key, 0.5) != nil else { return nil }
    var object = JsonObject()
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
      object.add(name, results.latency(key, share).map { $0 / 1000 })
    }
    return object
  }

  /// What was seen at a part of the saturation.
  private func load(_ key: Results.Key, percent: Int) -> JsonObject? {
    var key = key
    key.percent = percent
    guard results.samples[key] != nil else { return nil }
    var object = JsonObject()
    object.add("percent_of_saturation", percent)
    object.add("packets_per_second", results.median(key) { $0.packets / $0.seconds })
    object.add("cpu_ns_per_packet", results.median(key) { $0.cpuPerPacket })
    object.add("loss", results.median(key) { $0.loss })
    object.add("packets_per_datagram", results.median(key) { $0.packetsPerDatagram })
    object.add("packets_per_wake_up", results.median(key) { $0.packetsPerWait })
    object.add("generator_limited", results.isGeneratorLimited(key))
    object.add("latency_us", latency(key, percent: percent))
    object.add("whole_p99_us", results.median(key) { $0.wholeLatency(0.99) }.map { $0 / 1000 })
    return object
  }

  private static func ratio(_ ratio: Ratio) -> JsonObject {
    var object = JsonObject()
    object.add("case", ratio.benchCase)
    object.add("forwarder", ratio.of.rawValue)
    object.add("against", ratio.against.rawValue)
    object.add("flows", ratio.flows)
    object.add("cpu", ratio.cpu)
    object.add("rate", ratio.rate)
    object.add("cpu_limit", Target.cpuLimit(ratio.benchCase, against: ratio.against))
    object.add("rate_limit", Target.rateLimit(ratio.benchCase, against: ratio.against))
    return object
  }

  private static func target(_ target: Target) -> JsonObject {
    var object = JsonObject()
    object.add("name", target.name)
    object.add(target.bound == .atMost ? "at_most" : "at_least", target.limit)
    object.add("seen", target.seen)
    object.add("met", target.isMet)
    object.add("missed_percent", target.missedPercent)
    object.add("generator_limited", target.isLimited)
    return object
  }

  private func hurt(_ kind: Forwarder.Kind) -> JsonObject? {
    guard let loss = results.hurtLoss(kind) else { return nil }
    var object = JsonObject()
    object.add("forwarder", kind.rawValue)
    object.add("calls", Plan.calls)
    object.add("loss", loss)
    object.add("flood_packets_per_second", results.hurts[kind]?.map(\.floodRate).median)
    object.add("generator_limited", results.isHurtGeneratorLimited(kind))
    return object
  }

  private var memory: JsonObject? {
    guard let full = results.residentFull else { return nil }
    var object = JsonObject()
    object.add("routes", Plan.routes)
    object.add("resident_bytes", full)
    object.add("resident_bytes_without_routes", results.residentEmpty)
    object.add("bytes_per_route", results.bytesPerRoute)
    return object
  }

  private static func reason(_ sentence: String) -> JsonObject {
    var object = JsonObject()
    object.add("reason", sentence)
    return object
  }
}
