import Testing
import Wire

@testable import Voice

@Suite struct MeasuringTests {
  @Test(arguments: PcmRate.allCases)
  func `a tone is measured as it was made`(rate: PcmRate) {
    for hertz in [100.0, 123.4, 440, 997, 1_500, 3_333] {
      for level in [-3.0, -12, -40] {
        var meter = ToneMeter(rate: rate)
        var tone = ToneGenerator(hertz: hertz, level: level, rate: rate)
        var sound = [Int16](repeating: 0, count: rate.sampleCount(milliseconds: 400))
        unsafe sound.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
        unsafe sound.withUnsafeBufferPointer { _ = unsafe meter.hear($0) }
        let reading = meter.reading ?? ToneReading(hertz: 0, level: 0, purity: 0)
        #expect(meter.windowCount == 2)
        #expect(abs(reading.hertz - hertz) < 0.1, "\(hertz) Hz at \(level) dB: \(reading)")
        #expect(abs(reading.level - level) < 0.1, "\(hertz) Hz at \(level) dB: \(reading)")
        #expect(reading.purity > 0.99)
      }
    }
  }

  @Test func `noise under a tone lowers its purity, not its frequency`() {
    var random = SeededRandom(seed: 5)
    var meter = ToneMeter(rate: .hertz16000)
    var tone = ToneGenerator(hertz: 440, level: -20, rate: .hertz16000)
    var sound = [Int16](repeating: 0, count: 3_200)
    unsafe sound.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
    for index in sound.indices { sound[index] += Int16(random.next() % 400) - 200 }
    unsafe sound.withUnsafeBufferPointer { _ = unsafe meter.hear($0) }
    #expect(abs((meter.reading?.hertz ?? 0) - 440) < 2)
    #expect(abs((meter.reading?.level ?? 0) + 20) < 0.3)
    #expect((meter.reading?.purity ?? 1) < 0.9999)
  }

  @Test func `silence and noise are no tone`() {
    var random = SeededRandom(seed: 6)
    var meter = ToneMeter(rate: .hertz16000)
    var sound = [Int16](repeating: 0, count: 3_200)
    unsafe sound.withUnsafeBufferPointer { _ = unsafe meter.hear($0) }
    #expect(meter.reading == ToneReading(hertz: 0, level: -120, purity: 0))
    for index in sound.indices { sound[index] = Int16(truncatingIfNeeded: random.next()) / 8 }
    unsafe sound.withUnsafeBufferPointer { _ = unsafe meter.hear($0) }
    #expect((meter.reading?.purity ?? 1) < 0.2)
  }

  @Test func `the arithmetic agrees with known values`() {
    #expect(abs(Mathematics.logarithm(10) - 2.302585092994046) < 1e-12)
    #expect(abs(Mathematics.logarithm(1e-9) + 20.72326583694641) < 1e-11)
    #expect(abs(Mathematics.tenToThe(-6) - 1e-6) < 1e-15)
    #expect(abs(Mathematics.tenToThe(0.3010299956639812) - 2) < 1e-12)
    let eighth = Mathematics.wave(turns: 0.125)
    #expect(abs(eighth.sine - 0.7071067811865476) < 1e-12)
    for step in -20...20 {
      let turns = Double(step) / 41
      let wave = Mathematics.wave(turns: turns)
      #expect(abs(wave.sine * wave.sine + wave.cosine * wave.cosine - 1) < 1e-12)
      #expect(abs(Mathematics.turns(x: 3 * wave.cosine, y: 3 * wave.sine) - turns) < 1e-9)
    }
    #expect(abs(Decibels.amplitude(level: -20) - 3_276.7) < 1e-6)
  }

  @Test func `speech is told from noise and from clicks`() {
    var detector = VoiceActivityDetector()
    var changes: [(Int, VoiceActivity)] = []
    var random = SeededRandom(seed: 8)
    var tone = ToneGenerator(hertz: 200, level: -20, rate: .hertz16000)
    for index in 0..<400 {
      var frame = [Int16](repeating: 0, count: 320)
      // Speech from 100 to 150 with a breath at 120, a click at 50, noise throughout.
      let speaks = index == 50 || (100..<150 ~= index && !(120..<130 ~= index))
      if speaks { unsafe frame.withUnsafeMutableBufferPointer { unsafe tone.fill($0) } }
      for place in frame.indices { frame[place] += Int16(random.next() % 100) - 50 }
      let change = unsafe frame.withUnsafeBufferPointer { unsafe detector.hear($0) }
      if change != .unchanged { changes.append((index, change)) }
    }
    #expect(changes.map(\.0) == [102, 174])
    #expect(changes.map(\.1) == [.started, .ended])
  }

  @Test func `steady noise stops counting as speech`() {
    var detector = VoiceActivityDetector()
    var random = SeededRandom(seed: 9)
    for _ in 0..<1_000 {
      let frame = (0..<320).map { _ in Int16(random.next() % 2_000) - 1_000 }
      _ = unsafe frame.withUnsafeBufferPointer { unsafe detector.hear($0) }
    }
    #expect(!detector.isSpeaking)
  }
}
