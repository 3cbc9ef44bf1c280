import Paths
import Testing
import TransceiverCore
import Wire

@testable import TransceiverRuntime

/// A relay's way is asked for once its first genuine datagram has come.
@Suite struct RelayWaysTests {
  @Test func relaysAreKnownOnceAndTheirLongestArrivalIsKept() {
    let loopback = TransportAddress(ipv4: 0x7F00_0001, port: 0)
    let table = PathTable(from: loopback, bundleBytesMax: 1_400, pathsMax: 2)
    var ways = RelayWays(table.view)
    var shard = IdleShard.make()
    let relays = (1...3).map { TransportAddress(ipv4: 0x7F00_0000 + UInt32($0), port: 4_100) }
    for _ in 0..<3 { ways.noteArrival(900, from: relays[0], into: &shard) }
    #expect(ways.relayCount == 1)
    ways.noteArrival(1_300, from: relays[1], into: &shard)
    // One more than the table keeps has no way of its own.
    ways.noteArrival(1_000, from: relays[2], into: &shard)
    #expect(ways.relayCount == 2)
    #expect(table.takeLongestArrival() == 1_300)
  }
}
