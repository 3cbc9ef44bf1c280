import Json
import Testing

@testable import Bench

@Suite struct TransceiverReportTests {
  private let line =
    "2026-11-21T14:04:33.601Z info martlet-transceiver: shard-stopped transceiver=1.0 bundles=200"
    + " packets=600 unknown_ufrag=0 truncated=0 bundles_sent=150 packets_sent=500 turns=90"
    + " receive_calls=100 send_calls=50 received_bytes=40000 sent_bytes=30000 in_p50_us=5"
    + " in_p99_us=100 out_p50_us=300 out_p99_us=4000 frames=1000 frames_late=2"

  private func sample(_ kind: EchoServer.Kind, cpuMicroseconds: Double) -> EchoSample {
    var sample = EchoSample()
    sample.calls = 50
    sample.seconds = 2
    sample.cpuNanoseconds = cpuMicroseconds * 1000 * 50 * 2 * 50
    sample.bytesPerCall = 1024 * 128
    let libraries = LibraryCost(decode: 10_000, encode: 40_000, unprotect: 2_000, protect: 3_000)
    sample.inRounds = BareCost(libraries: libraries, system: 5_000)
    sample.asItComes = BareCost(libraries: libraries, system: 17_000)
    let faster = LibraryCost(decode: 10_000, encode: 40_000, unprotect: 1_000, protect: 1_000)
    sample.sameSrtp = BareCost(libraries: faster, system: 6_000)
    sample.shard = kind == .pion ? nil : ShardLine(log: line)
    if kind == .lossy { for bare in BareKind.allCases { sample[keyPath: bare.cost] = BareCost() } }
    return sample
  }

  private func report(ours: [Double], pion: [Double]) -> TransceiverReport {
    var report = TransceiverReport(
      machine: Machine(processor: "one", cpus: 2, kernel: "6.18", system: "Debian"), calls: [50])
    report.samples[.martlet] = ours.map { sample(.martlet, cpuMicroseconds: $0) }
    if !pion.isEmpty {
      report.samples[.pion] = pion.map { sample(.pion, cpuMicroseconds: $0) }
    }
    return report
  }

  @Test func theShardsLastLineIsRead() throws {
    let shard = try #require(ShardLine(log: "first line\n" + line + "\nanother line\n"))
    #expect(shard.packets == 600)
    #expect(shard.bundlesSent == 150)
    #expect(shard.turns == 90)
    #expect(shard.receivedBytes == 40_000)
    #expect(shard.out99 == 4_000)
    #expect(shard.frames == 1_000 && shard.lateFrames == 2)
  }

  @Test func aLineThatLacksAFigureIsNone() {
    #expect(ShardLine(log: "") == nil)
    #expect(ShardLine(log: line.replacing("in_p99_us=100", with: "")) == nil)
    #expect(ShardLine(log: line.replacing("turns=90", with: "turns=many")) == nil)
    #expect(ShardLine(log: line.replacing("shard-stopped", with: "report")) == nil)
  }

  @Test func aFramesCostAndWhatACoreBears() {
    let sample = sample(.martlet, cpuMicroseconds: 80)
    #expect(abs(sample.cpuPerFrame - 80_000) < 0.001)
    #expect(abs(sample.callsPerCore - 250) < 0.001)
    #expect(sample.inRounds.sum == 60_000)
    #expect(abs(sample.withoutOpus - 30_000) < 0.001)
    #expect(EchoSample().cpuPerFrame == 0)
    #expect(EchoSample().callsPerCore == 0)
  }

  @Test func theMiddleOfTwoMeasurements() {
    let one = BareCost(
      libraries: LibraryCost(decode: 1, encode: 2, unprotect: 3, protect: 4), system: 5)
    let other = BareCost(
      libraries: LibraryCost(decode: 3, encode: 6, unprotect: 9, protect: 12), system: 15)
    let mean = BareCost(mean: one, other)
    #expect(mean.libraries == LibraryCost(decode: 2, encode: 4, unprotect: 6, protect: 8))
    #expect(mean.system == 10)
    #expect(mean.sum == 30)
  }

  /// A bare server of any kind answers every frame of its client.
  @Test(arguments: BareKind.allCases)
  func aBareServerIsMeasured(kind: BareKind) throws {
    let cost = try BareServer.cost(calls: 10, seconds: 0.5, kind)
    #expect(cost.libraries.decode > 0)
    #expect(cost.libraries.encode > 0)
    #expect(cost.libraries.unprotect > 0)
    #expect(cost.libraries.protect > 0)
    #expect(cost.sum >= cost.libraries.opus + cost.libraries.srtp)
  }

  @Test func targetsCompareMiddleRounds() throws {
    let report = report(ours: [66, 900, 60], pion: [90, 110, 100])
    #expect(report.targets.count == 4)
    let bare = try #require(report.bareRatio(50))
    #expect(abs(bare - 1.1) < 0.001)
    let asItComes = try #require(report.bareRatio(50, \.asItComes))
    #expect(abs(asItComes - 66.0 / 72) < 0.001)
    let sameSrtp = try #require(report.bareRatio(50, \.sameSrtp))
    #expect(abs(sameSrtp - 66.0 / 58) < 0.001)
    let pion = try #require(report.pionRatio(50))
    #expect(abs(pion - 16.0 / 50) < 0.001)
    #expect(report.targets.filter { !$0.isMet }.isEmpty)
  }

  @Test func targetsAreMissed() {
    let missed = report(ours: [90], pion: [100]).targets.filter { !$0.isMet }
    #expect(missed.map(\.limit) == [1.2, 1.15, 0.5])
    #expect(report(ours: [90], pion: [100]).text.contains("missed by 25.0 %"))
  }

  @Test func withoutPionNothingIsComparedWithIt() {
    var report = report(ours: [60], pion: [])
    report.skipped = ["skipped: pion: there is no go"]
    #expect(report.pionRatio(50) == nil)
    #expect(report.targets.count == 3)
    #expect(report.text.contains("skipped: pion: there is no go"))
  }

  @Test func callsThatLoseHaveARowAndNoBareServer() throws {
    var report = report(ours: [66], pion: [])
    report.samples[.lossy] = [sample(.lossy, cpuMicroseconds: 150)]
    let row = try #require(report.text.split(separator: "\n").first { $0.contains("10 % lost") })
    let cells = row.split(separator: " ").dropFirst(4)
    #expect(cells.prefix(6) == ["50", "150", "-", "-", "-", "-"])
    #expect(report.targets.count == 3)
    let value = try JsonValue.parse(Array(report.json.utf8))
    guard case .array(let rows)? = value["results"] else {
      Issue.record("no results")
      return
    }
    #expect(rows.last?["server"] == .text("martlet, 10 % lost"))
    #expect(rows.last?["cpu_ns_per_frame"] == .real(150_000))
    #expect(rows.last?["frames_late"] == .real(2))
    #expect(rows.last?["encode_ns"] == nil)
  }

  @Test func programsGetTheSameFigures() throws {
    let value = try JsonValue.parse(Array(report(ours: [66], pion: [100]).json.utf8))
    guard case .array(let rows)? = value["results"], case .array(let targets)? = value["targets"]
    else {
      Issue.record("no results")
      return
    }
    #expect(rows.count == 2)
    #expect(rows.first?["server"] == .text("martlet"))
    #expect(rows.first?["calls"] == .integer(50))
    #expect(rows.first?["bare_ns_per_frame"] == .real(60_000))
    #expect(rows.first?["bare_as_it_comes_ns_per_frame"] == .real(72_000))
    #expect(rows.first?["bare_same_srtp_ns_per_frame"] == .real(58_000))
    #expect(rows.first?["protect_ns"] == .real(3_000))
    #expect(rows.first?["protect_same_srtp_ns"] == .real(1_000))
    #expect(targets.count == 4)
    #expect(targets.first?["met"] == JsonValue.boolean(true))
  }
}
