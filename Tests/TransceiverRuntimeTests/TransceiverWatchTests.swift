import CPacketLoop
import Complaints
import Log
import Testing
import Wire

@testable import TransceiverCore
@testable import TransceiverRuntime

/// What a transceiver complains about.
@Suite struct TransceiverWatchTests {
  private let trunk = TransportAddress(ipv4: 0x7F00_0001, port: 4_000)

  private func second(_ number: UInt64) -> Instant {
    Instant(nanoseconds: 0).advanced(byMilliseconds: number * 1_000)
  }

  private func statistics(
    begun: UInt64 = 0, received: UInt64 = 0, figures: [(name: String, value: UInt64)] = [],
    details: [String: String] = [:]
  ) -> ShardStatistics {
    let report = ShardReport(
      transceiver: TransceiverID(node: 1, shard: 0), calls: 0,
      figures: [("begun", begun)] + figures, details: details, ends: [])
    var loop = pl_counters()
    loop.received = received
    return ShardStatistics(report, loop)
  }

  /// A name that is no figure's would never be complained about.
  @Test func everyComplaintIsOfAFigureThatThereIs() {
    let all = ShardStatistics(IdleShard.make().makeReport(), pl_counters())
    let names = Set((all.figures + all.details).map(\.name)).union([
      TransceiverWatch.neverHeardName, TransceiverWatch.fellSilentName,
    ])
    let counters = TransceiverWatch.table.map(\.counter)
    for counter in counters { #expect(names.contains(counter), "\(counter)") }
    #expect(Set(counters).count == counters.count)
  }

  @Test func callsThatNoRelayBringsAnythingForAreSaidWithTheTrunk() {
    var watch = TransceiverWatch(trunks: [trunk])
    #expect(watch.look(at: [statistics()], now: second(0)).isEmpty)
    #expect(watch.look(at: [statistics(begun: 1)], now: second(1)).isEmpty)
    let lines = watch.look(at: [statistics(begun: 1)], now: second(7))
    #expect(lines.map(\.event) == ["calls begin, and no relay has ever sent anything"])
    let detail = lines.first?.fields.first { $0.key == "detail" }?.value
    #expect(
      detail == "--trunk 127.0.0.1:4000 (which only a relay of this machine can reach)")
  }

  @Test func callsThatComeUpAreInOrder() {
    var watch = TransceiverWatch(trunks: [trunk])
    for number in 0..<600 as Range<UInt64> {
      let now = statistics(begun: number / 10, received: number * 50)
      #expect(watch.look(at: [now], now: second(number)).isEmpty)
    }
  }

  @Test func figuresOfAllShardsCountTogether() {
    var watch = TransceiverWatch(trunks: [trunk])
    let shards = [
      statistics(received: 9, figures: [("forged", 3)]),
      statistics(received: 9, figures: [("forged", 2)]),
    ]
    let lines = watch.look(at: shards, now: second(0))
    #expect(lines.map(\.event) == ["trunk datagrams have a tag that does not hold"])
    #expect(lines.first?.fields[2].value == 5)
  }

  @Test func whomAMisdirectedDatagramWasMeantForStandsThere() {
    var watch = TransceiverWatch(trunks: [trunk])
    let shard = statistics(
      received: 1, figures: [("misdirected", 1)], details: ["misdirected": "somebody else"])
    let lines = watch.look(at: [shard], now: second(0))
    #expect(lines.first?.fields.first { $0.key == "detail" }?.value == "somebody else")
  }
}
