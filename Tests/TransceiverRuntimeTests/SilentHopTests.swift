import Testing

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
}
