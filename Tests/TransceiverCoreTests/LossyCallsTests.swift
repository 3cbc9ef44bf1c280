import Session
import Testing
import Token
import Wire

@testable import TransceiverCore

@Suite struct LossyCallsTests {
  @Test func whichCallsAreLossy() {
    var random = SeededRandom(seed: 5)
    let sealer = CallIDSealer(RoutingKeys.generate(random: &random))
    let contents = TokenContents(
      cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), mintedMinutes: 1)
    let calls = (0..<4).map { _ in sealer.seal(contents, random: &random) }
    var lossy = LossyCalls()
    var counts: (speaking: Int, lossy: Int)?
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
      counts = lossy.look(living)
      #expect((counts != nil) == (second % 5 == 0))
    }
    #expect(counts?.speaking == 3)
    #expect(counts?.lossy == 1)
    for _ in 0..<5 { counts = lossy.look([]) }
    #expect(counts?.speaking == 0)
  }
}
