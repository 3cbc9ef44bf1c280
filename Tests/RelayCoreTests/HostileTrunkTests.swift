import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// What must not come through on the trunk.
@Suite struct HostileTrunkTests {
  private let frame = TrunkFrame(listener: 0, client: Bench.client)
  private let peer = Bench.transceivers[0].address

  /// Hands `bytes` in, which must send nothing, teach nothing, and be counted as `counter` alone.
  private func expectDrop(
    _ bench: inout Bench, _ bytes: [UInt8], _ counter: RelayCounter,
    peer: TransportAddress = Bench.transceivers[0].address, isTruncated: Bool = false,
    _ location: SourceLocation = #_sourceLocation
  ) {
    let before = bench.worker.counters
    let sent = bench.takeTrunk([bytes], peer: peer, isTruncated: isTruncated)
    #expect(sent == [], sourceLocation: location)
    let after = bench.worker.counters
    #expect(after[counter] == before[counter] + 1, "\(counter)", sourceLocation: location)
    #expect(after.total(of: .trunk) == before.total(of: .trunk) + 1, sourceLocation: location)
    #expect(after.total(of: .frame) == before.total(of: .frame), sourceLocation: location)
    expect(bench.worker.routeCount == 0, location)
  }

  @Test func eachReasonHasItsCounter() {
    var bench = Bench()
    let good = bench.down([(frame, [1, 2])])
    let foreign = TrunkKey([UInt8](repeating: 1, count: 16))
    expectDrop(&bench, [], .trunkMalformed)
    expectDrop(&bench, [0xF2] + good.dropFirst(), .trunkMalformed)
    expectDrop(&bench, bench.down(key: foreign, [(frame, [1])]), .trunkForged)
    expectDrop(&bench, bench.down(kind: .up, [(frame, [1])]), .trunkUnexpectedKind)
    for kind in UInt8(3)...15 {
      expectDrop(&bench, [0x10 | kind] + good.dropFirst(), .trunkMalformed)
    }
    expectDrop(&bench, bench.down(cluster: 8, [(frame, [1])]), .trunkMisdirected)
    expectDrop(&bench, bench.down(ingress: 4, [(frame, [1])]), .trunkMisdirected)
    let stranger = bench.down(id: TransceiverID(node: 9, shard: 9), [(frame, [1])])
    expectDrop(&bench, stranger, .trunkUnknownTransceiver)
    expectDrop(&bench, good, .trunkTruncated, isTruncated: true)
  }

  @Test func withoutAKeyTheAddressHasToFit() {
    var bench = Bench(hasTrunkKey: false)
    let good = bench.down([(frame, [1, 2])])
    expectDrop(&bench, good, .trunkWrongSource, peer: Bench.transceivers[1].address)
    let sent = bench.takeTrunk([good], peer: peer)
    #expect(sent == [.down(listener: 0, to: Bench.client, bytes: [1, 2])])
  }

  @Test func framesThatNoListenerCanSendAreCounted() {
    var bench = Bench()
    let wrong = [
      TrunkFrame(listener: 2, client: Bench.client),
      TrunkFrame(listener: 255, client: Bench.client),
      TrunkFrame(listener: 1, client: Bench.client),
      TrunkFrame(listener: 0, client: Bench.client6),
      TrunkFrame(listener: 0, client: TransportAddress(ipv4: 1, port: 0)),
    ]
    let bytes = bench.down(wrong.map { ($0, [1]) } + [(frame, [7])])
    let sent = bench.takeTrunk([bytes], peer: peer)
    #expect(sent == [.down(listener: 0, to: Bench.client, bytes: [7])])
    expect(bench.worker.counters[.frameMisaddressed] == 5)
    expect(bench.worker.counters[.frameDelivered] == 1)
    expect(bench.worker.counters.total(of: .frame) == 6)
    expect(bench.worker.routeCount == 1)
  }

  @Test func everyLengthOfATrunkDatagramIsSafe() {
    // Without a key, so that shortened datagrams get past the tag.
    for hasKey in [true, false] {
      var bench = Bench(hasTrunkKey: hasKey)
      let six = TrunkFrame(listener: 1, client: Bench.client6)
      let whole = bench.down([(frame, [1, 2, 3]), (six, [4, 5]), (frame, [])])
      for length in 0...whole.count {
        _ = bench.takeTrunk([Array(whole[..<length])], peer: peer)
      }
      expect(bench.worker.counters.total(of: .trunk) == UInt64(whole.count) + 1)
      let accepted = bench.worker.counters[.trunkAccepted]
      #expect(accepted == (hasKey ? 1 : UInt64(whole.count) + 1 - 16))
    }
  }
}
