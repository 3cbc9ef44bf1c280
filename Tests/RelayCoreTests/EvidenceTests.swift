import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// What a worker keeps for the person who has to find a wrong setting.
@Suite struct EvidenceTests {
  @Test func tokensThatHoldTellWhatDidNotFit() {
    var bench = Bench()
    #expect(bench.worker.evidence == Evidence())
    let stranger = TransceiverID(node: 9, shard: 4)
    _ = bench.takeClient([bench.check(bench.token(for: stranger))], from: Bench.client)
    _ = bench.takeClient([bench.check(bench.token(for: 0, cluster: 8))], from: Bench.client)
    let late = bench.check(bench.token(for: 0, minted: Bench.nowMinutes - 2_000))
    _ = bench.takeClient([late], from: Bench.client)
    var expected = Evidence()
    expected.unknownTransceiver = stranger
    expected.otherCluster = 8
    expected.tokenAgeMinutes = 2_000
    #expect(bench.worker.evidence == expected)
    let early = bench.check(bench.token(for: 0, minted: Bench.nowMinutes + 61))
    _ = bench.takeClient([early], from: Bench.client)
    #expect(bench.worker.evidence.tokenAgeMinutes == -61)
  }

  @Test func strangersPutNoWordIn() {
    var bench = Bench()
    var random = SeededRandom(seed: 99)
    let foreign = RoutingKeys.generate(random: &random)
    let id = TransceiverID(node: 9, shard: 4)
    let forged = bench.check(bench.token(for: id, cluster: 8, minted: 1, keys: foreign))
    _ = bench.takeClient([forged], from: Bench.client)
    #expect(bench.worker.evidence == Evidence())
  }

  @Test func whatATransceiverWasSentAndSaidIsCountedForItAlone() {
    var bench = Bench()
    #expect(bench.worker.traffic == [.init(), .init(), .init()])
    _ = bench.takeClient([bench.check(bench.token(for: 1))], from: Bench.client)
    var sent = TransceiverTraffic()
    sent.sent = 1
    #expect(bench.worker.traffic == [.init(), sent, .init()])
  }

  @Test func theFirstWorkersWordStandsAndOthersFillIn() {
    var first = Evidence()
    first.otherCluster = 1
    var second = Evidence()
    second.otherCluster = 2
    second.unknownSpeaker = TransceiverID(node: 5, shard: 0)
    first.add(second)
    #expect(first.otherCluster == 1)
    #expect(first.unknownSpeaker == TransceiverID(node: 5, shard: 0))
  }
}
