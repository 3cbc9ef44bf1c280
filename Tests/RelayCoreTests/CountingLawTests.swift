import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// Every datagram, and every frame, ends in exactly one counter of its group; and there is no
/// counter of such a group that nothing ends in. Both are asked of the declaration: a new case is
/// covered, and fails here until something below reaches it.
@Suite struct CountingLawTests {
  /// A datagram that a worker is given.
  private struct Input {
    var bytes: [UInt8]
    var peer = Bench.client
    var isTruncated = false
    var isTrunk = false
  }

  /// Hands `input` in and expects one more in its own group, and none in another but the frames'.
  private func expectOneCounter(
    _ bench: inout Bench, _ input: Input, _ location: SourceLocation = #_sourceLocation
  ) {
    let before = bench.worker.counters
    if input.isTrunk {
      _ = bench.takeTrunk([input.bytes], peer: input.peer, isTruncated: input.isTruncated)
    } else {
      _ = bench.takeClient([input.bytes], from: input.peer, isTruncated: input.isTruncated)
    }
    let after = bench.worker.counters
    let counted = { after.total(of: $0) - before.total(of: $0) }
    #expect(counted(.client) == (input.isTrunk ? 0 : 1), sourceLocation: location)
    #expect(counted(.trunk) == (input.isTrunk ? 1 : 0), sourceLocation: location)
    let isAccepted = after[.trunkAccepted] != before[.trunkAccepted]
    let frames = isAccepted ? Self.frames(input.bytes) : 0
    #expect(counted(.frame) == UInt64(frames), sourceLocation: location)
  }

  /// The frames of a trunk datagram, a last one counted that is not whole.
  private static func frames(_ bytes: [UInt8]) -> Int {
    var count = 0
    var offset = TrunkHeader.bytes
    while true {
      switch unsafe TrunkDatagram.nextFrame(bytes.span.bytes, at: offset) {
      case .end: return count
      case .malformed: return count + 1
      case .frame(_, let payload):
        count += 1
        offset = payload.end
      }
    }
  }

  /// What clients send, in an order in which each finds what it needs.
  private func clientInputs(_ bench: inout Bench) -> [Input] {
    var random = SeededRandom(seed: 99)
    let foreign = RoutingKeys.generate(random: &random)
    let unknown = RoutingKeys.generate(random: &random, minting: "9")
    let stranger = TransportAddress(ipv4: 5, port: 5)
    let old = Bench.nowMinutes - 2_000
    var malformed = bench.check(bench.token(for: 0))
    malformed[24] = 0x20
    let checks = [
      bench.check(bench.token(for: 0)), malformed,
      bench.check(bench.token(for: 0, keys: unknown)),
      bench.check(bench.token(for: 0, keys: foreign)),
      bench.check(bench.token(for: 0, cluster: 8)),
      bench.check(bench.token(for: TransceiverID(node: 9, shard: 0))),
    ]
    let integrity = bench.check(bench.token(for: 0), integrity: false)
    let expired = bench.check(bench.token(for: 0, minted: old))
    return checks.map { Input(bytes: $0) } + [
      Input(bytes: integrity, peer: stranger), Input(bytes: expired, peer: stranger),
      Input(bytes: Bench.media()), Input(bytes: [22, 254, 253]),
      Input(bytes: bench.binding(.bindingSuccess)), Input(bytes: []), Input(bytes: [0x40, 0]),
      Input(bytes: Bench.media(), isTruncated: true), Input(bytes: Bench.media(1, count: 1_448)),
      Input(bytes: Bench.media(), peer: TransportAddress(ipv4: 5, port: 0)),
      Input(bytes: Bench.media(), peer: stranger), Input(bytes: [0, 1, 0, 0]),
    ]
  }

  /// What comes to the trunk.
  private func trunkInputs(_ bench: borrowing Bench) -> [Input] {
    let frame = TrunkFrame(listener: 0, client: Bench.client)
    let nowhere = TrunkFrame(listener: 9, client: Bench.client)
    let foreign = TrunkKey([UInt8](repeating: 1, count: 16))
    let good = bench.down([(frame, [1, 2]), (frame, []), (nowhere, [3])])
    let all = [
      good, [], bench.down(key: foreign, [(frame, [1])]), bench.down(kind: .up, [(frame, [1])]),
      bench.down(cluster: 8, [(frame, [1])]), bench.down(id: TransceiverID(node: 9, shard: 9), []),
    ]
    let peer = Bench.transceivers[0].address
    return all.map { Input(bytes: $0, peer: peer, isTrunk: true) } + [
      Input(bytes: good, peer: peer, isTruncated: true, isTrunk: true)
    ]
  }

  /// Every kind of datagram there is, with a trunk's key and without. What was counted, in all.
  @Test func eachDatagramEndsInOneCounterAndNoCounterIsIdle() {
    var sum = RelayCounters()
    for hasKey in [true, false] {
      var bench = Bench(hasTrunkKey: hasKey)
      for input in trunkInputs(bench) + clientInputs(&bench) {
        expectOneCounter(&bench, input)
      }
      _ = bench.speak(from: 0)
      _ = bench.speak(from: 1)
      expectOneCounter(&bench, Input(bytes: Bench.media()))
      let good = bench.down([(TrunkFrame(listener: 0, client: Bench.client), [1, 2])])
      let other = Bench.transceivers[1].address
      expectOneCounter(&bench, Input(bytes: good, peer: other, isTrunk: true))
      // Without a key a datagram that is cut short still holds as far as it goes.
      let cut = Array(good.dropLast())
      let peer = Bench.transceivers[0].address
      expectOneCounter(&bench, Input(bytes: cut, peer: peer, isTrunk: true))
      sum.add(bench.worker.counters)
    }
    for counter in RelayCounter.allCases where counter.group != .event {
      #expect(sum[counter] > 0, "nothing here is counted as \(counter.name)")
    }
  }

  /// The same of datagrams that are changed and cut anywhere.
  @Test(arguments: 1...4) func soDoesWhateverElseComes(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var bench = Bench(hasTrunkKey: seed % 2 == 0)
    let inputs = clientInputs(&bench) + trunkInputs(bench)
    for _ in 0..<3_000 {
      var input = inputs[Int.random(in: 0..<inputs.count, using: &random)]
      let count = input.bytes.count
      for _ in 0..<Int.random(in: 0...3, using: &random) where count > 0 {
        input.bytes[Int.random(in: 0..<count, using: &random)] = .random(
          in: .min ... .max, using: &random)
      }
      if Int.random(in: 0..<4, using: &random) == 0 {
        input.bytes.removeLast(Int.random(in: 0...count, using: &random))
      }
      bench.now = bench.now.advanced(byMilliseconds: .random(in: 0...100, using: &random))
      expectOneCounter(&bench, input)
    }
  }
}
