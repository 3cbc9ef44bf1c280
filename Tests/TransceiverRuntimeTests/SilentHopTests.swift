import Session
import Synchronization
import Testing
import Token
import Wire

@testable import TransceiverRuntime

/// When losses look like those of a hop that drops long datagrams.
@Suite struct SilentHopTests {
  @Test func manyLossyCallsAndNoFullBundle() {
    #expect(SilentHop.isSuspected(speaking: 40, lossy: 35, longest: 1_104))
    #expect(SilentHop.isSuspected(speaking: 5, lossy: 5, longest: 200))
    // Full bundles come: the losses are elsewhere.
    #expect(!SilentHop.isSuspected(speaking: 40, lossy: 35, longest: 1_400))
    // Some clients' own ways.
    #expect(!SilentHop.isSuspected(speaking: 40, lossy: 19, longest: 1_104))
    #expect(!SilentHop.isSuspected(speaking: 4, lossy: 4, longest: 1_104))
    #expect(!SilentHop.isSuspected(speaking: 5, lossy: 5, longest: 0))
  }

  @Test func whichCallsAreLossy() {
    var random = SeededRandom(seed: 5)
    let sealer = CallIDSealer(RoutingKeys.generate(random: &random))
    let contents = TokenContents(
      cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), mintedMinutes: 1)
    let calls = (0..<4).map { _ in sealer.seal(contents, random: &random) }
    var lossy = LossyCalls()
    for second in 1...15 {
      let living = calls.enumerated().map { number, call in
        var figures = SessionFigures()
        // A tenth is missing of call 0, a twentieth of 1, none of 2, and 3 is silent.
        let sent = number == 3 ? 0 : 50 * second
        let missing = [10, 20].indices.contains(number) ? sent / [10, 20][number] : 0
        figures.rtpAccepted = UInt64(sent - missing)
        figures.packetsLost = Int64(missing)
        return (call: call, figures: figures)
      }
      lossy.look(living)
    }
    #expect(lossy.counts.speaking.load(ordering: .relaxed) == 3)
    #expect(lossy.counts.lossy.load(ordering: .relaxed) == 1)
    for _ in 0..<5 { lossy.look([]) }
    #expect(lossy.counts.speaking.load(ordering: .relaxed) == 0)
  }
}
