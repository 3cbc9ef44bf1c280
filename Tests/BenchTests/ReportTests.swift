import Json
import Testing

@testable import Bench

@Suite struct ReportTests {
  /// A run in which a packet cost `cpu` nanoseconds.
  private func sample(cpu: Double, busy: Double = 1) -> Sample {
    var sample = Sample()
    sample.packets = 1000
    sample.sent = 2000
    sample.seconds = 0.5
    sample.cpuNanoseconds = cpu * 1000
    sample.busy = busy
    sample.packetsPerDatagram = 6.4
    return sample
  }

  private func report() -> Report {
    var results = Results()
    for (kind, costs) in [
      (Forwarder.Kind.martlet, [1200.0, 1000, 9000]), (.go, [5000, 5000, 4000]),
      (.c, [2000, 1900, 2100]),
    ] {
      for cost in costs {
        let key = Results.Key(benchCase: "up-1400-t1", kind: kind, flows: 1000)
        results.add(sample(cpu: cost), to: key)
      }
    }
    let machine = Machine(processor: "A \"fast\" one", cpus: 2, kernel: "6.18", system: "Debian")
    return Report(
      machine: machine, results: results, kinds: [.martlet, .go, .c], flows: 1000,
      skipped: ["skipped: coturn: not there"])
  }

  private func parsed(_ report: Report) throws -> JsonValue {
    try JsonValue.parse(Array(report.json.utf8))
  }

  private func number(_ value: JsonValue?) -> Double? {
    switch value {
    case .integer(let number)?: Double(number)
    case .real(let number)?: number
    default: nil
    }
  }

  private func items(_ value: JsonValue?) -> [JsonValue] {
    guard case .array(let items)? = value else { return [] }
    return items
  }

  @Test func theJsonHasTheFormThatIsPromised() throws {
    let root = try parsed(report())
    #expect(root["machine"]?["processor"]?.text == "A \"fast\" one")
    let rows = items(root["results"])
    #expect(rows.map { $0["forwarder"]?.text } == ["martlet", "go", "c"])
    let row = try #require(rows.first)
    #expect(row["case"]?.text == "up-1400-t1")
    #expect(number(row["flows"]) == 1000)
    #expect(number(row["cpu_ns_per_packet"]) == 1200)
    #expect(number(row["packets_per_second_per_core"]).map { abs($0 - 833_333) < 1 } == true)
    #expect(number(row["loss"]) == 0.5)
    #expect(row["latency_us"] == .null)
    #expect(row["generator_limited"] == .boolean(false))
    let ratios = items(root["ratios"])
    #expect(ratios.map { $0["against"]?.text } == ["go", "c"])
    #expect(number(ratios[0]["cpu"]) == 0.24)
    #expect(number(ratios[1]["cpu"]) == 0.6)
    #expect(items(root["skipped"]).count == 1)
    #expect(items(root["failures"]).isEmpty)
  }

  @Test func framesHaveRatiosOfTheirOwn() throws {
    var report = report()
    report.kinds = [.martlet, .frames, .c]
    for (kind, cost) in [(Forwarder.Kind.martlet, 800.0), (.frames, 500), (.c, 1000)] {
      let key = Results.Key(benchCase: "down", kind: kind, flows: 1000)
      report.results.add(sample(cpu: cost), to: key)
    }
    let ratios = try items(parsed(report)["ratios"]).filter { $0["case"]?.text == "down" }
    #expect(ratios.map { $0["forwarder"]?.text } == ["martlet", "martlet-frames"])
    #expect(ratios.map { $0["against"]?.text } == ["c", "c"])
    #expect(ratios.map { number($0["cpu"]) } == [0.8, 0.5])
    let targets = report.targets.filter { $0.name.contains("down") }
    #expect(targets.map(\.isMet) == [false, true])
  }

  @Test func latenciesStandUnderTheirNames() throws {
    var report = report()
    var sample = sample(cpu: 1500)
    var slice = Histogram()
    slice.add(99, toBucket: 100)
    slice.add(1, toBucket: 200)
    sample.latencies = [slice]
    report.results.add(
      sample,
      to: Results.Key(benchCase: "up-1400-t1", kind: .martlet, flows: 1000, percent: 50))
    let row = try #require(items(parsed(report)["results"]).first)
    let middle = Histogram.nanoseconds(ofBucket: 100) / 1000
    #expect(number(row["latency_us"]?["p50"]) == middle)
    #expect(number(row["latency_us"]?["p99"]) == middle)
    #expect(number(row["latency_us"]?["p999"]) == Histogram.nanoseconds(ofBucket: 200) / 1000)
    #expect(items(row["loads"]).count == 1)
    #expect(report.text.contains("latency of"))
  }

  @Test func targetsSayByHowMuchTheyAreMissed() throws {
    let targets = report().targets
    #expect(targets.count == 2)
    let go = try #require(targets.first)
    #expect(go.isMet && go.verdict == "met" && go.missedPercent == 0)
    let c = try #require(targets.last)
    #expect(!c.isMet)
    #expect(c.verdict == "missed by 20.0 %")
    let least = Target(name: "", bound: .atLeast, limit: 2, seen: 1.5)
    #expect(!least.isMet && least.missedPercent == 25)
  }

  @Test func aForwarderThatHadTimeLeftIsMarked() {
    var report = report()
    #expect(!report.text.contains("*"))
    let key = Results.Key(benchCase: "up-1400-t1", kind: .martlet, flows: 1000)
    report.results.add(sample(cpu: 1000, busy: 0.5), to: key)
    #expect(!report.text.contains("*"), "one round of four decides nothing")
    for _ in 0..<3 { report.results.add(sample(cpu: 1000, busy: 0.5), to: key) }
    #expect(report.text.contains("martlet *"))
    #expect(report.text.contains("* The load generator was the limit"))
  }

  @Test func whatAFloodCostsIsComparedWithTheGoRelay() throws {
    var results = Results()
    results.add(Hurt(sent: 1000, came: 1000, floodRate: 200_000), of: .martlet)
    results.add(Hurt(sent: 1000, came: 900, floodRate: 200_000), of: .go)
    #expect(results.hurtLoss(.go).map { abs($0 - 0.1) < 1e-9 } == true)
    let targets = Target.all(results, flows: 1000, kinds: [.martlet, .go])
    #expect(targets.count == 2 && targets.allSatisfy(\.isMet))
  }

  @Test func memoryPerRouteIsADifference() {
    var results = Results()
    results.residentEmpty = 15e6
    results.residentFull = 15e6 + 100 * Double(Plan.routes)
    #expect(results.bytesPerRoute == 100)
    let targets = Target.all(results, flows: 1000, kinds: [.martlet])
    #expect(targets.map(\.isMet) == [false, true])
  }

  @Test func thePlotHasAColumnForEachOther() {
    let plot = Plot(report())
    #expect(plot.ratios == "case go c\nup-1400-t1 0.24 0.6\n")
    #expect(plot.columns == 3)
    #expect(plot.blocks == 0)
  }
}
