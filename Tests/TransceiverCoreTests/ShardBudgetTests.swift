import CallClient
import TestSupport
import Testing
import Trunk
import Wire

@testable import TransceiverCore

/// A trunk datagram with a packet of voice, and a turn with one out, make no object and take no
/// memory. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of a shard", .serialized, .enabled(if: Cost.isMeasurable))
struct ShardBudgetTests {
  @Test("voice up and down through a shard")
  func voice() throws {
    let harness = try ShardHarness()
    let address = TransportAddress(ipv4: 0xC000_0201, port: 50_000)
    let caller = try harness.makeConnectedCall(from: address)
    harness.run(1_000)
    caller.isUnheard = true
    let datagrams = harness.trunkDatagrams(of: caller, milliseconds: 800)
    try #require(datagrams.count >= 20)
    var costs: [Cost] = []
    for datagram in datagrams {
      var bytes = datagram
      var sent = 0
      harness.pass(milliseconds: 20)
      let now = harness.now
      unsafe bytes.withUnsafeMutableBytes { bytes in
        let received = unsafe ReceivedTrunkDatagram(
          bytes: bytes, isTruncated: false, relay: ShardHarness.relay)
        let cost = Cost.of {
          _ = harness.shard.takeDatagram(received, at: now)
          _ = harness.shard.runDue(at: now)
          while harness.shard.nextDatagram() != nil { sent += 1 }
          harness.shard.noteSent(at: now)
        }
        // A turn in which RTCP went out as well protects one packet more.
        let packets = harness.shard.makeReport().figures.first { $0.name == "packets_sent" }
        if packets?.value == harness.packetsSeen + 1 { costs.append(cost) }
        harness.packetsSeen = packets?.value ?? 0
        harness.shard.reset()
      }
      #expect(sent == 1)
    }
    #expect(costs.count >= 15)
    for cost in costs {
      #expect(cost.mallocs == 0)
      #expect(cost.objects == 0)
    }
  }
}
