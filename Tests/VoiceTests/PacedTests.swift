import Testing
import Wire

@testable import Voice

/// A receiver that gives a frame each 20 ms, on networks with stalls.
@Suite struct PacedTests {
  /// The delay that this side adds at each pull, in milliseconds, sorted.
  private func delays(_ path: inout VoicePath, network: SeededNetwork, seed: UInt64) -> [Int] {
    var state = SeededNetwork.State(seed: seed)
    var delays: [Int] = []
    for part in 0..<3_350 {
      path.run(seconds: 0.02) { _, _ in network.delays(part, &state) }
      if part > 100 { delays.append(path.delayMilliseconds) }
    }
    return delays.sorted()
  }

  @Test func `after a spike the delay is back with the next pause`() {
    var path = VoicePath(rate: .hertz16000)
    path.phrases = true
    let delays = delays(&path, network: .spikes, seed: 1)
    // And 20 ms of the network.
    #expect(delays[delays.count / 2] + 20 <= 80)
    #expect(path.receiver.targetMilliseconds <= 40)
    let counts = path.receiver.counts
    // 12 spikes of 300 ms.
    #expect(100...200 ~= counts.quietFramesDropped)
    #expect(counts.shortened + counts.stretched <= 4)
    #expect(path.receiver.jitterCounts.skipped == 0)
    #expect(3_345...3_352 ~= path.heard.count)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `time is hardly scaled where there are pauses`(seed: UInt64) {
    var path = VoicePath(rate: .hertz16000)
    path.phrases = true
    let delays = delays(&path, network: .jitter100, seed: seed)
    #expect(delays[delays.count / 2] <= 130)
    #expect(path.receiver.counts.shortened <= 10)
    #expect(path.receiver.jitterCounts.skipped == 0)
  }

  @Test func `a burst is one late packet to the target`() {
    var estimator = DelayEstimator(transit: 0, at: 0)
    var now: Int64 = 0
    for index in 0..<2_000 as Range<Int64> {
      // 300 ms of each 5 s come at once.
      let late = index % 250 < 15 ? (15 - index % 250) * 960 : 0
      now = index * 960 + late
      estimator.note(transit: late, at: now)
    }
    #expect(estimator.targetUnits <= 1_920)
    // Each packet late for itself counts as before.
    for index in 2_000..<2_300 as Range<Int64> {
      let late: Int64 = index % 5 == 0 ? 4_800 : 0
      now = max(now + 1, index * 960 + late)
      estimator.note(transit: late, at: now)
    }
    #expect(4_800...5_280 ~= estimator.targetUnits)
  }
}
