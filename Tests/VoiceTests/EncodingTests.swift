import Rtp
import Testing
import Wire

@testable import Voice

extension AudioSender {
  /// A receiver says twice what it lost of 250 packets.
  mutating func reportLoss(percent: Int, at now: Instant) {
    for number in [UInt32(1_000), 1_250] {
      let block = ReportBlock(
        ssrc: names.ssrc, fractionLost: UInt8(percent * 256 / 100), highestSequence: number)
      control.note(block, roundTripMicroseconds: nil, at: now)
    }
  }
}

/// What libopus makes of a plan, read in the packets themselves (RFC 6716, section 3.1).
@Suite struct EncodingTests {
  struct Wish: CustomTestStringConvertible {
    var plan = EncodingPlan()
    var isSpeechLayer = false
    var hasRedundancy = false
    var testDescription: String {
      "\(plan.coder) \(plan.bitsPerSecond) \(plan.packetMilliseconds) ms, \(plan.lossPercent) %"
    }

    init(_ coder: EncodingPlan.Coder, _ kilobits: Int32, _ milliseconds: Int, loss: Int32 = 0) {
      plan.coder = coder
      plan.bitsPerSecond = kilobits * 1_000
      plan.packetMilliseconds = milliseconds
      plan.lossPercent = loss
      isSpeechLayer = coder == .silk
      hasRedundancy = loss > 0
    }
  }

  /// Every state that a call can be in.
  static let wishes = [
    Wish(.celt, 32, 20), Wish(.celt, 64, 20), Wish(.celt, 48, 20), Wish(.celt, 40, 20),
    Wish(.celt, 32, 40), Wish(.celt, 24, 40), Wish(.celt, 20, 60),
    Wish(.silk, 40, 20), Wish(.silk, 32, 40), Wish(.silk, 24, 40), Wish(.silk, 20, 60),
    Wish(.silk, 16, 60),
    Wish(.silk, 40, 20, loss: 3), Wish(.silk, 40, 20, loss: 10), Wish(.silk, 40, 20, loss: 30),
    Wish(.silk, 36, 20, loss: 10), Wish(.silk, 32, 40, loss: 6), Wish(.silk, 24, 40, loss: 10),
  ]

  @Test(arguments: wishes, [PcmRate.hertz16000, .hertz24000, .hertz48000])
  func `each state has the coder and the redundancy that it is meant to have`(
    wish: Wish, rate: PcmRate
  ) throws {
    let packets = Self.packets(wish.plan, rate: rate, seconds: 4)
    let settled = packets.dropFirst(packets.count / 4)
    var redundant = 0
    var byteCount = 0
    for packet in settled {
      let parsed = unsafe packet.withUnsafeBytes { unsafe OpusPacket($0) }
      let opus = try #require(parsed)
      #expect((packet[0] >> 3 < 16) == wish.isSpeechLayer)
      #expect(opus.durationUnits == Int64(wish.plan.packetMilliseconds * 48))
      redundant += opus.hasRedundancy ? 1 : 0
      byteCount += packet.count
    }
    // Quiet frames have nothing worth a copy.
    #expect((redundant > settled.count / 4) == wish.hasRedundancy, "\(redundant)")
    let seconds = Double(settled.count * wish.plan.packetMilliseconds) / 1_000
    let rate = Double(8 * byteCount) / seconds
    #expect(rate < 1.15 * Double(wish.plan.bitsPerSecond), "\(rate) bit/s")
  }

  /// Something like speech: swelling and fading, with overtones.
  private static func packets(
    _ plan: EncodingPlan, rate: PcmRate, seconds: Int
  ) -> [[UInt8]] {
    var encoder = OpusEncoder(rate: rate, plan: plan)
    let count = plan.frameCount * rate.frameSampleCount
    var sound = [Int16](repeating: 0, count: count)
    var output = [UInt8](repeating: 0, count: 1_300)
    var tones = [180.0, 450, 1_300, 2_700].map {
      ToneGenerator(hertz: $0, level: -26, rate: rate)
    }
    var part = sound
    var packets: [[UInt8]] = []
    for index in 0..<seconds * 1_000 / plan.packetMilliseconds {
      for place in sound.indices { sound[place] = 0 }
      for tone in tones.indices {
        unsafe part.withUnsafeMutableBufferPointer { unsafe tones[tone].fill($0) }
        for place in sound.indices { sound[place] += part[place] }
      }
      let swell = [20, 50, 100, 90, 60, 30][index % 6]
      for place in sound.indices { sound[place] = Int16(Int(sound[place]) * swell / 100) }
      let used = unsafe sound.withUnsafeBufferPointer { sound in
        unsafe output.withUnsafeMutableBytes { unsafe encoder.encode(sound, into: $0) }
      }
      packets.append(Array(output[..<used]))
    }
    return packets
  }
}
