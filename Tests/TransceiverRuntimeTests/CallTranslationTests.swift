import Sdp
import Testing
import Voice

@testable import TransceiverRuntime

/// What a client says of Opus (RFC 7587, section 6.1), as the encoder's settings.
@Suite struct CallTranslationTests {
  @Test(
    arguments: [
      (nil, 32_000), (16_000, 16_000), (510_000, 32_000), (1, 6_000), (0, 6_000),
    ] as [(Int?, Int32)])
  func noMoreBitsAreSentThanTheClientWants(most: Int?, sent: Int32) {
    var offered = OfferedOpus(payloadType: 111)
    offered.averageBitrateMax = most
    #expect(OpusSettings(offered).bitsPerSecond == sent)
  }

  @Test func redundancyIsForThoseWhoCanUseIt() {
    var offered = OfferedOpus(payloadType: 111)
    #expect(!OpusSettings(offered).usesForwardErrorCorrection)
    offered.usesInbandFec = true
    #expect(OpusSettings(offered).usesForwardErrorCorrection)
  }
}
