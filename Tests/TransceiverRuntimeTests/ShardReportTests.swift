import CPacketLoop
import Glibc
import Log
import Session
import Signalling
import Testing
import Wire

@testable import TransceiverRuntime

/// What a shard tells of itself.
@Suite struct ShardReportTests {
  private func figures(_ rig: ShardRig) -> [String: UInt64] {
    let report = rig.shard.makeReport()
    return Dictionary(
      uniqueKeysWithValues: (report.figures + report.ends).map { ($0.name, $0.value) })
  }

  @Test func callsAreCountedWithTheirEnds() throws {
    let rig = try ShardRig()
    let first = try rig.makeConnectedCall(from: TransportAddress(ipv4: 0xC000_0201, port: 50_000))
    _ = try rig.makeConnectedCall(from: TransportAddress(ipv4: 0xC000_0202, port: 50_000))
    try rig.hangUp(first)
    let figures = figures(rig)
    #expect(rig.shard.makeReport().calls == 1)
    #expect(figures["begun"] == 2)
    #expect(figures["ended_hung_up"] == 1)
    #expect(figures["ended_client_closed"] == 0)
    #expect(figures["packets"] ?? 0 > 0)
    #expect(figures["unknown_path"] == 0)
  }

  /// The rig's clock stands far before the machine's, so every frame is late.
  @Test func latenessIsCounted() throws {
    let rig = try ShardRig()
    _ = try rig.makeConnectedCall(from: TransportAddress(ipv4: 0xC000_0201, port: 50_000))
    rig.run(4_000)
    let figures = figures(rig)
    #expect(figures["frames"] ?? 0 > 200)
    #expect(figures["frames_late"] == figures["frames"])
    #expect(figures["late_percent"] == 100)
    #expect(figures["overloaded"] == 1 && figures["overloads"] == 1)
    #expect(rig.registry.shardForNewCall() == .shard(0), "it was told only to say so")
  }

  /// From the shard's seconds to the answer of the next offer, and back.
  @Test func anOverloadedShardRefusesTheNextCall() throws {
    let rig = try ShardRig(admission: AdmissionLimits())
    let first = try rig.makeConnectedCall(from: TransportAddress(ipv4: 0xC000_0201, port: 50_000))
    var second = ShardSecond()
    second.nanoseconds = 1_000_000_000
    second.busyNanoseconds = 990_000_000
    for _ in 0..<3 { rig.shard.heed(second, at: rig.now) }
    #expect(throws: TransceiverFailure.self) {
      try rig.makeCall(from: TransportAddress(ipv4: 0xC000_0202, port: 50_000))
    }
    try rig.hangUp(first)
    let next = try rig.makeCall(from: TransportAddress(ipv4: 0xC000_0203, port: 50_000))
    second.busyNanoseconds = 0
    for _ in 0..<5 { rig.shard.heed(second, at: rig.now) }
    #expect(rig.registry.shardForNewCall() == .shard(0))
    try rig.hangUp(next)
  }

  /// A call of which nothing was ever seen says so, and is counted.
  @Test func aCallThatNeverConnectedSaysWhatWasSeen() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    let log = Log(program: "test", descriptor: ends[1])
    let rig = try ShardRig(log: log)
    let caller = try rig.makeCall(from: TransportAddress(ipv4: 0xC000_0201, port: 50_000))
    caller.isUnheard = true
    rig.run(30_100)
    // Waits a second each time, and the log's thread may be later.
    #expect((0..<60).contains { _ in log.flush() })
    log.end()
    close(ends[1])
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe read(ends[0], &bytes, bytes.count)
    close(ends[0])
    let lines = String(decoding: bytes[..<max(count, 0)], as: UTF8.self).split(separator: "\n")
    let end = lines.first { $0.contains("call-ended") } ?? ""
    #expect(end.contains(" reason=never-connected detail=\"no check of the client came: "))
    #expect(end.contains(" set_up=no-check "))
    #expect(figures(rig)["calls_unseen"] == 1)
  }

  @Test func theLogLineAndTheJsonTellTheSame() throws {
    let rig = try ShardRig()
    var loop = pl_counters()
    loop.received = 7
    loop.dropped_by_kernel = 3
    let statistics = ShardStatistics(rig.shard.makeReport(), loop)
    #expect(statistics.lostUnread == 3)
    #expect(statistics.json.contains("\"lost_unread\":3"))
    #expect(statistics.json.hasPrefix("{\"transceiver\":\"1.0\",\"calls\":0,"))
    for field in statistics.logFields { #expect(statistics.json.contains("\"\(field.key)\":")) }
  }
}
