import Rtp
import Testing
import Wire

@testable import Voice

/// What is lost is asked for again.
@Suite struct ResendTests {
  private func path(_ network: SeededNetwork, resend: @escaping (Int) -> UInt64?) -> VoicePath {
    var state = SeededNetwork.State(seed: 5)
    var path = VoicePath(rate: .hertz16000, isPrompt: true, asksForResends: true)
    path.receiver.roundTripMicroseconds = 41_000
    path.resend = resend
    path.run(seconds: 60) { index, _ in network.delays(index, &state) }
    return path
  }

  @Test(arguments: [.loss1, .loss5, .loss20, .bursts5, .bursts10] as [SeededNetwork])
  func `with answers nothing is missed, and the reports say what was lost`(
    network: SeededNetwork
  ) {
    let path = path(network) { _ in 41 }
    let receiver = path.receiver.counts
    let lost = UInt64(path.receiver.source?.cumulativeLost ?? 0)
    #expect(lost >= 20)
    // The last may be on their way.
    #expect(lost - path.receiver.answeredPackets <= 3)
    #expect(path.receiver.askedPackets == lost)
    #expect(receiver.concealedPieces + receiver.recoveredPackets == 0)
    #expect(path.ledger.leadMillisecondsMin >= -400)
    #expect(path.ledger.leadMillisecondsMax == 0)
    #expect(path.receiver.targetMilliseconds == 20, "a resend is no jitter")
    expectTone(path)
  }

  @Test func `a paced receiver holds back for what it asks for`() {
    var state = SeededNetwork.State(seed: 5)
    var path = VoicePath(rate: .hertz16000, asksForResends: true)
    path.receiver.roundTripMicroseconds = 41_000
    path.resend = { _ in 41 }
    path.run(seconds: 60) { index, _ in SeededNetwork.loss5.delays(index, &state) }
    let counts = path.receiver.counts
    #expect(path.receiver.answeredPackets > 80)
    #expect(counts.concealedPieces + counts.recoveredPackets < 15)
    #expect(path.delayMilliseconds < 130)
    path.run(seconds: 20)
    #expect(path.receiver.targetMilliseconds == 20)
  }

  @Test func `what is lost twice is asked for twice`() {
    // Each third answer is lost as well.
    let path = path(.loss20) { $0 % 3 == 0 ? nil : 41 }
    let made = path.receiver.counts.concealedPieces + path.receiver.counts.recoveredPackets
    #expect(path.receiver.askedPackets > 500)
    #expect(made * 8 < path.receiver.askedPackets)
    #expect(made > 0)
    #expect(path.receiver.jitterCounts.late < 10)
  }

  @Test func `who does not answer is waited for ten seconds, and not for ever`() {
    var state = SeededNetwork.State(seed: 5)
    var path = VoicePath(rate: .hertz16000, isPrompt: true, asksForResends: true)
    path.run(seconds: 11) { index, _ in SeededNetwork.loss5.delays(index, &state) }
    let plain = path.heardAtOnce
    path.run(seconds: 11) { index, _ in SeededNetwork.loss5.delays(index, &state) }
    // Of 550 frames 27 are lost, and one after each waits no longer than without requests.
    #expect(path.heardAtOnce - plain > 440)
    #expect(path.receiver.answeredPackets == 0)
    #expect(path.receiver.counts.concealedPieces + path.receiver.counts.recoveredPackets > 30)
  }

  @Test func `beyond 100 ms nothing is asked for`() {
    var state = SeededNetwork.State(seed: 5)
    var path = VoicePath(rate: .hertz16000, isPrompt: true, asksForResends: true)
    path.receiver.roundTripMicroseconds = 120_000
    path.run(seconds: 20) { index, _ in SeededNetwork.loss5.delays(index, &state) }
    #expect(path.receiver.askedPackets == 0)
    #expect(path.receiver.counts.concealedPieces + path.receiver.counts.recoveredPackets > 30)
  }

  @Test func `overtaken packets are hardly asked for`() {
    let path = path(.reorder) { _ in 41 }
    // Those that are more than 20 ms late are, some of them in vain.
    #expect(path.receiver.askedPackets < 130)
    #expect(path.receiver.counts.concealedPieces + path.receiver.counts.recoveredPackets == 0)
  }
}
