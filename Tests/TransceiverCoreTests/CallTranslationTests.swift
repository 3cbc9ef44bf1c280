import Sdp
import Testing
import Voice

@testable import TransceiverCore

/// What a client says of Opus (RFC 7587, section 6.1), as the encoder's settings.
@Suite struct CallTranslationTests {
  private func settings(
    _ offered: OfferedOpus = OfferedOpus(payloadType: 111), bitsPerSecond: Int32 = 64_000
  ) -> OpusSettings {
    OpusSettings(offered, bitsPerSecond: bitsPerSecond)
  }

  @Test(
    arguments: [
      (nil, 64_000, 510_000), (16_000, 16_000, 16_000), (510_000, 64_000, 510_000),
      (96_000, 64_000, 96_000), (1, 6_000, 6_000), (0, 6_000, 6_000),
      (.max, 64_000, 510_000),
    ] as [(Int?, Int32, Int32)])
  func noMoreBitsAreSentThanTheClientWants(offeredMax: Int?, sent: Int32, most: Int32) {
    var offered = OfferedOpus(payloadType: 111)
    offered.averageBitrateMax = offeredMax
    #expect(settings(offered).bitsPerSecond == sent)
    #expect(settings(offered).bitsPerSecondMax == most)
  }

  @Test func theRateIsTheOperators() {
    #expect(settings(bitsPerSecond: 6_000).bitsPerSecond == 6_000)
    #expect(settings(bitsPerSecond: 510_000).bitsPerSecond == 510_000)
  }

  @Test(arguments: [
    (nil, 60), (1, 20), (20, 20), (39, 20), (40, 40), (50, 40), (60, 60), (120, 60), (9_999, 60),
  ])
  func packetsAreNoLongerThanTheClientWants(offeredMax: Int?, most: Int) {
    var offered = OfferedOpus(payloadType: 111)
    offered.packetMillisecondsMax = offeredMax
    #expect(settings(offered).packetMillisecondsMax == most)
  }

  @Test(
    arguments: [(nil, nil), (40_000, 40_000), (0, 0), (.max, .max)] as [(Int?, Int32?)])
  func thePathIsAsNarrowAsTheClientSays(offeredMax: Int?, most: Int32?) {
    var offered = OfferedOpus(payloadType: 111)
    offered.wireBitsPerSecondMax = offeredMax
    #expect(settings(offered).wireBitsPerSecondMax == most)
  }

  @Test func redundancyIsForThoseWhoCanUseIt() {
    var offered = OfferedOpus(payloadType: 111)
    #expect(!settings(offered).usesForwardErrorCorrection)
    offered.usesInbandFec = true
    #expect(settings(offered).usesForwardErrorCorrection)
  }
}
