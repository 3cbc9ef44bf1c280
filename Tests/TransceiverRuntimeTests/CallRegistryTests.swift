import Signalling
import Testing
import Token
import TransceiverCore
import Wire

@testable import TransceiverRuntime

@Suite struct CallRegistryTests {
  private func call(_ nonce: UInt32) throws -> CallReference {
    var random = SeededRandom(seed: UInt64(nonce))
    let sealer = CallIDSealer(RoutingKeys.generate(random: &random))
    let contents = TokenContents(
      cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), mintedMinutes: 1, nonce: nonce)
    return CallReference(callID: sealer.seal(contents, random: &random), shard: 0)
  }

  /// What a caller has is counted up and down, and forgotten at nothing.
  @Test func callersAreCounted() throws {
    let registry = CallRegistry(shards: 1, maximum: 10)
    let one = Caller.key(1)
    let other = Caller.network("192.0.2.1")
    let figures = CallFigures(backend: "echo", TransceiverID(node: 1, shard: 0))
    let calls = try (1...4).map { try call($0) }
    for call in calls[..<3] { registry.begin(call, figures, by: one) }
    registry.begin(calls[3], figures, by: other)
    #expect(registry.callCount(of: one) == 3)
    #expect(registry.callCount(of: other) == 1)
    #expect(registry.callCount(of: .key(2)) == 0)
    registry.end(calls[0])
    registry.end(calls[0])
    #expect(registry.callCount(of: one) == 2)
    registry.update(calls[0].callID, figures)
    #expect(!registry.isAlive(calls[0]))
    for call in calls { registry.end(call) }
    #expect(registry.callCount(of: one) == 0)
    #expect(registry.callCount(of: other) == 0)
    #expect(registry.count == 0)
  }

  /// New calls go to the shards that keep up, and to one that has nothing to do.
  @Test func whoCannotKeepUpGetsNoCalls() throws {
    let registry = CallRegistry(shards: 2, maximum: 3)
    let figures = CallFigures(backend: "echo", TransceiverID(node: 1, shard: 0))
    #expect(registry.shardForNewCall() == .shard(0))
    registry.set(callsMax: 0, shard: 0)
    #expect(registry.shardForNewCall() == .shard(0))
    var calls = try (1...3).map { try call($0) }
    calls[1].shard = 1
    registry.begin(calls[0], figures, by: .key(1))
    registry.begin(calls[1], figures, by: .key(1))
    #expect(registry.shardForNewCall() == .shard(1))
    registry.set(callsMax: 1, shard: 1)
    #expect(registry.shardForNewCall() == .overloaded)
    registry.set(callsMax: 2, shard: 0)
    #expect(registry.shardForNewCall() == .shard(0))
    registry.begin(calls[2], figures, by: .key(1))
    #expect(registry.shardForNewCall() == .full)
  }
}
