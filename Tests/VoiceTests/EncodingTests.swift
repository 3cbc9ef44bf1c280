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
  private struct Speech {
    private var tones: [ToneGenerator]
    private var index = 0

    init(rate: PcmRate) {
      tones = [180.0, 450, 1_300, 2_700].map { ToneGenerator(hertz: $0, level: -26, rate: rate) }
    }

    mutating func next(_ count: Int) -> [Int16] {
      var sound = [Int16](repeating: 0, count: count)
      var part = sound
      for tone in tones.indices {
        unsafe part.withUnsafeMutableBufferPointer { unsafe tones[tone].fill($0) }
        for place in sound.indices { sound[place] += part[place] }
      }
      let swell = [20, 50, 100, 90, 60, 30][index % 6]
      index += 1
      return sound.map { Int16(Int($0) * swell / 100) }
    }
  }

  private static func packet(
    of sound: [Int16], by encoder: inout OpusEncoder
  ) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: 1_300)
    let used = unsafe sound.withUnsafeBufferPointer { sound in
      unsafe output.withUnsafeMutableBytes { unsafe encoder.encode(sound, into: $0) }
    }
    return Array(output[..<used])
  }

  private static func packets(
    _ plan: EncodingPlan, rate: PcmRate, seconds: Int
  ) -> [[UInt8]] {
    var encoder = OpusEncoder(rate: rate, plan: plan)
    var speech = Speech(rate: rate)
    return (0..<seconds * 1_000 / plan.packetMilliseconds).map { _ in
      packet(of: speech.next(plan.frameCount * rate.frameSampleCount), by: &encoder)
    }
  }

  /// What is heard of a second of each coder in turn, four times; nil in place of a lost packet.
  private static func heardOverChanges(
    losing isLost: (Int) -> Bool
  ) -> (said: [Int16], heard: [Int16]) {
    let rate = PcmRate.hertz24000
    var encoder = OpusEncoder(rate: rate)
    var decoder = OpusDecoder(rate: rate)
    var speech = Speech(rate: rate)
    var said: [Int16] = []
    var heard: [Int16] = []
    for index in 0..<200 {
      var plan = EncodingPlan()
      plan.bitsPerSecond = 64_000
      if index / 50 % 2 == 1 {
        (plan.coder, plan.bitsPerSecond, plan.lossPercent) = (.silk, 40_000, 5)
      }
      encoder.follow(plan)
      let sound = speech.next(rate.frameSampleCount)
      let packet = packet(of: sound, by: &encoder)
      var frame = [Int16](repeating: 0, count: rate.frameSampleCount)
      _ = unsafe frame.withUnsafeMutableBufferPointer { frame in
        isLost(index)
          ? unsafe decoder.conceal(into: frame, sampleCount: frame.count)
          : unsafe packet.withUnsafeBytes { unsafe decoder.decode($0, into: frame) }
      }
      said += sound
      heard += frame
    }
    return (said, heard)
  }

  /// The loudest of 2.5 ms against what was said around it, in decibels.
  private static func excess(_ said: [Int16], _ heard: [Int16]) -> Double {
    let part = 60
    func level(_ sound: ArraySlice<Int16>) -> Double {
      let squares = sound.reduce(0.0) { $0 + Double($1) * Double($1) }
      return Decibels.level(meanSquare: squares / Double(sound.count))
    }
    var most = -Double.infinity
    for start in stride(from: 4_800, to: heard.count - part, by: part) {
      // 20 ms before and after: the coder's delay, and a swell that is spun out.
      let around = said[max(0, start - 480)..<min(said.count, start + part + 480)]
      let places = stride(from: around.startIndex, to: around.endIndex - part, by: part)
      let loudest = places.map { level(around[$0..<$0 + part]) }.max() ?? 0
      most = max(most, level(heard[start..<start + part]) - loudest)
    }
    return most
  }

  private static func steepest(_ sound: [Int16]) -> Int {
    zip(sound.dropFirst(4_801), sound.dropFirst(4_800)).map { abs(Int($0) - Int($1)) }.max() ?? 0
  }

  @Test func `a change of the coder is not heard`() {
    let whole = Self.heardOverChanges { _ in false }
    #expect(Self.excess(whole.said, whole.heard) < 3)
    #expect(Self.steepest(whole.heard) < Self.steepest(whole.said) * 3 / 2)
  }

  /// What is made up for a lost packet may be louder than what was said; where the coder changes no
  /// more so than elsewhere.
  @Test func `a packet that is lost at a change costs no more than another`() {
    func worst(_ lost: [Int]) -> (excess: Double, step: Int) {
      let holed = lost.map { lost in Self.heardOverChanges { $0 > 0 && $0 % 50 == lost } }
      return (
        holed.map { Self.excess($0.said, $0.heard) }.max()!,
        holed.map { Self.steepest($0.heard) }.max()!
      )
    }
    let usual = worst([10, 20, 25, 27, 30, 40])
    let atChange = worst([49, 0, 1])
    #expect(atChange.excess < usual.excess + 1)
    #expect(atChange.step < usual.step * 5 / 4)
  }
}
