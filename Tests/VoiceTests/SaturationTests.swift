import Testing

@testable import Voice

/// Sound at full scale is cut off at full scale wherever it is changed: a sum or a filter that went
/// over the edge and came out at the other end would crackle.
@Suite("Saturation")
struct SaturationTests {
  /// A wave that is cut off at both ends overshoots behind every low-pass filter: those of the
  /// encoder, of the decoder, and of all the rates that libopus changes between.
  @Test(arguments: PcmRate.allCases, PcmRate.allCases)
  func aClippedWaveStaysOneBehindEveryRate(said: PcmRate, heard: PcmRate) throws {
    for bitsPerSecond: Int32 in [12_000, 24_000, 64_000] {
      let sound = try Self.passed(from: said, to: heard, bitsPerSecond: bitsPerSecond)
      // One second of 200 Hz, without the codec's delay at the start.
      let steady = sound[(Int(heard.rawValue) / 5)...]
      let edge = steady.filter { $0.magnitude > 30_000 }
      #expect(edge.count > steady.count / 10, "not loud enough to say anything")
      let jumps = zip(steady, steady.dropFirst()).filter { one, next in
        (Int(one) - Int(next)).magnitude > 40_000 && one.magnitude > 30_000
      }
      // At 8 kHz a cut-off wave may go from one end to the other in one step, twice each turn; what
      // wraps does so there and back.
      #expect(Self.turns(in: steady) == Int(Double(steady.count) / Double(heard.rawValue) * 400))
      #expect(jumps.isEmpty || heard == .hertz8000)
    }
  }

  @Test(arguments: [Int16.min, .max])
  func timeScalingKeepsFullScale(level: Int16) {
    for rate in PcmRate.allCases {
      let count = rate.sampleCount(milliseconds: 60)
      let sound = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 2 * count)
      defer { unsafe sound.deallocate() }
      unsafe sound.initialize(repeating: level)
      // As much like itself as can be, and at the edge in each sample.
      let more = unsafe TimeScaler.stretch(sound.baseAddress!, count: count, rate: rate)
      let less = unsafe TimeScaler.shorten(sound.baseAddress!, count: more, rate: rate)
      #expect(more > count && less < more)
      let same = unsafe UnsafeMutableBufferPointer(rebasing: sound[..<less]).allSatisfy {
        $0 == level
      }
      #expect(same)
    }
  }

  /// How often the sign changes.
  private static func turns(in sound: ArraySlice<Int16>) -> Int {
    zip(sound, sound.dropFirst()).count { ($0 < 0) != ($1 < 0) }
  }

  /// A second of a sine at three times full scale, cut off, through the codec.
  private static func passed(
    from said: PcmRate, to heard: PcmRate, bitsPerSecond: Int32
  ) throws -> [Int16] {
    var plan = EncodingPlan()
    plan.bitsPerSecond = bitsPerSecond
    var encoder = OpusEncoder(rate: said, plan: plan)
    var decoder = OpusDecoder(rate: heard)
    var phase = 0
    var sound: [Int16] = []
    var packet = [UInt8](repeating: 0, count: 1_275)
    for _ in 0..<60 {
      var frame = (0..<said.frameSampleCount).map { index in
        let turns = 200 * Double(phase + index) / Double(said.rawValue)
        let wave = Mathematics.wave(turns: turns - turns.rounded(.down)).sine
        return Int16(max(-32_768, min(32_767, 98_304 * wave)))
      }
      phase += frame.count
      let length = unsafe frame.withUnsafeMutableBufferPointer { frame in
        unsafe packet.withUnsafeMutableBytes {
          unsafe encoder.encode(UnsafeBufferPointer(frame), into: $0)
        }
      }
      var decoded = [Int16](repeating: 0, count: heard.frameSampleCount)
      let count = unsafe decoded.withUnsafeMutableBufferPointer { decoded in
        unsafe packet.withUnsafeBytes {
          unsafe decoder.decode(UnsafeRawBufferPointer(rebasing: $0[..<length]), into: decoded)
        }
      }
      #expect(count == heard.frameSampleCount)
      sound += decoded
    }
    return sound
  }
}
