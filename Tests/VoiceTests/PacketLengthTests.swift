import Rtp
import Testing
import Wire

@testable import Voice

/// What is sent fits where it is kept, to be sent again, whatever the network makes of a call.
struct PacketLengthTests {
  enum Losses: CaseIterable { case none, single, rows }

  @Test(
    arguments: [24_000, 64_000, 96_000, 128_000, 246_000, 510_000] as [Int32], Losses.allCases)
  func `no packet is longer than was said`(bitsPerSecond: Int32, losses: Losses) {
    var settings = OpusSettings()
    settings.bitsPerSecond = bitsPerSecond
    var sender = AudioSender(
      names: SentNames(ssrc: 7, payloadType: 111, redPayloadType: 63, transportExtension: 3),
      rate: .hertz48000, firstSequenceNumber: 0, firstTimestamp: 0, settings: settings)
    let longest = AudioSender.packetByteCountMax(settings)
    var random = SeededRandom(seed: 1)
    var budget = EncodingBudget.unlimited
    var output = [UInt8](repeating: 0, count: 4_000)
    var copied = 0
    var bits: Int32 = 0
    for number in 0..<1_500 {
      let now = Instant(nanoseconds: 5_000_000_000 + UInt64(number) * 20_000_000)
      // Noise and stillness by turns: what the variable rate has the longest packets for.
      let frame = (0..<960).map { _ in
        number % 7 < 4 ? Int16(truncatingIfNeeded: random.next()) : Int16(random.next() % 40)
      }
      let length = unsafe frame.withUnsafeBufferPointer { frame in
        unsafe output.withUnsafeMutableBytes { output in
          unsafe sender.send(frame, into: output, at: now, budget: &budget)
        }
      }
      #expect(length <= longest)
      if number > 1_000 {
        copied += output[1] & 0x7F == 63 ? 1 : 0
        bits = max(bits, sender.plan.bitsPerSecond)
      }
      sender.tell(losses, after: number, at: now)
    }
    #expect((copied > 300) == (losses == .single && (24_000...128_000).contains(bitsPerSecond)))
    if losses == .rows, bitsPerSecond > 40_000 {
      #expect(bits == max(bitsPerSecond, min(bitsPerSecond / 2 * 3, 96_000)))
    }
  }
}

extension AudioSender {
  /// Good news at first, then requests for what gets lost.
  fileprivate mutating func tell(
    _ losses: PacketLengthTests.Losses, after number: Int, at now: Instant
  ) {
    if number == 10 || number == 100 {
      let block = ReportBlock(ssrc: 7, fractionLost: 0, highestSequence: UInt32(number))
      control.note(block, roundTripMicroseconds: 40_000, at: now)
    }
    guard number > 150 else { return }
    switch losses {
    case .none: break
    case .single:
      if number % 100 == 50 {
        control.noteRequest(sequenceNumber: UInt16(number - 3), at: now)
      }
    case .rows:
      guard number % 100 == 50 else { return }
      for missed in number - 8..<number - 2 {
        control.noteRequest(sequenceNumber: UInt16(missed), at: now)
      }
    }
  }
}
