import CallClient
import Dtls
import Sdp
import Testing
import Voice
import Wire

/// What helps against loss, as a caller offers it and reads it in the answer.
@Suite struct ProtectionTests {
  private func agreed(
    _ change: (inout CallClientOptions) -> Void
  ) throws -> (offer: CallOffer, answer: AnswerDescription) {
    var options = CallClientOptions()
    change(&options)
    var random = SeededRandom(seed: 3)
    let client = CallClient(
      tone: EncodedTone(hertz: 440), identity: try DtlsIdentity.generate(), options: options,
      random: &random)
    let offer = try CallOffer.parse(client.offer)
    let answer = CallAnswer(
      iceUfrag: "1abcdefghijklmnopqrstuv", icePwd: "abcdefghijklmnopqrstuvwxyz012345",
      fingerprint: Fingerprint(.sha256, bytes: [UInt8](repeating: 7, count: 32))!,
      candidates: [CallAnswer.Candidate(address: "127.0.0.1", port: 3_478)],
      ssrc: 1, streamName: "martlet", sessionNumber: 1)
    return (offer, try AnswerDescription.parse(answer.render(to: offer)))
  }

  @Test func nothingIsOfferedUnasked() throws {
    let (offer, answer) = try agreed { _ in }
    #expect(offer.heardRedPayloadTypes == [])
    #expect(!offer.asksForResends)
    #expect(answer.redPayloadType == nil)
    #expect(!answer.usesNack)
    #expect(answer.transportSequenceExtension == nil)
  }

  @Test(arguments: [CallClientOptions.Red.afterOpus, .beforeOpus])
  func redundancy(red: CallClientOptions.Red) throws {
    let (offer, answer) = try agreed { $0.red = red }
    #expect(offer.heardRedPayloadTypes == [63])
    #expect(answer.payloadType == 111)
    #expect(answer.redPayloadType == 63)
    #expect(answer.prefersRed == (red == .beforeOpus))
  }

  @Test func feedback() throws {
    let (offer, answer) = try agreed {
      $0.offersNack = true
      $0.offersTransportFeedback = true
    }
    #expect(offer.asksForResends)
    #expect(offer.spokenLine?.transportSequenceExtension == 3)
    #expect(answer.usesNack)
    #expect(answer.transportSequenceExtension == 3)
  }
}
