import Backends
import PlainBackends
import Testing
import Voice
import Wire

/// A call without a network: one backend, its pacer, and what was said, on virtual time.
struct Conversation: ~Copyable {
  let backend: any Speaker
  var pacer: Pacer
  var tone: ToneGenerator
  var detector = VoiceActivityDetector()
  var events: [(frame: Int, events: BackendEvents)] = []
  /// The samples that were said; nil for a frame of nothing.
  var said: [[Int16]?] = []
  var frames = 0

  init(_ backend: any Speaker) {
    self.backend = backend
    pacer = Pacer(rate: backend.rate, capacityMilliseconds: backend.pacerMilliseconds)
    tone = ToneGenerator(hertz: 440, level: -15, rate: backend.rate)
  }

  mutating func hear(milliseconds: Int, speaks: Bool, heard: HeardFrame? = nil) {
    for _ in 0..<(milliseconds / 20) {
      var frame = [Int16](repeating: 0, count: backend.rate.frameSampleCount)
      if speaks { unsafe frame.withUnsafeMutableBufferPointer { unsafe tone.fill($0) } }
      let now = Instant(nanoseconds: UInt64(frames) * 20_000_000)
      let happened = unsafe frame.withUnsafeBufferPointer { samples in
        let voice = unsafe HeardVoice(
          samples, frame: heard ?? (speaks ? .voice : .silence), activity: detector.hear(samples))
        return backend.hear(voice, at: now, pacer: &pacer)
      }
      if !happened.isEmpty { events.append((frames, happened)) }
      let isSpeech = unsafe frame.withUnsafeMutableBufferPointer { unsafe pacer.pull(into: $0) }
      said.append(isSpeech ? frame : nil)
      frames += 1
    }
  }

  /// Milliseconds that were said in frames `range`.
  func saidMilliseconds(_ range: Range<Int>) -> Int {
    said[range].filter { $0 != nil }.count * 20
  }

  func reading() -> ToneReading? {
    var meter = ToneMeter(rate: backend.rate)
    for frame in said {
      guard let frame, frame.contains(where: { $0 != 0 }) else { continue }
      if unsafe frame.withUnsafeBufferPointer({ unsafe meter.hear($0) }) { break }
    }
    return meter.reading
  }
}

@Suite struct BackendTests {
  @Test func `what needs a service says so`() {
    #expect(BackendKind.allCases.filter(\.needsService) == [.realtime, .audiosocket])
    #expect(BackendKind(rawValue: "nobody") == nil)
  }

  @Test(arguments: PcmRate.allCases)
  func `echo says each frame in the step in which it heard it`(rate: PcmRate) {
    var talk = Conversation(EchoBackend(rate: rate))
    talk.hear(milliseconds: 100, speaks: false)
    talk.hear(milliseconds: 1_000, speaks: true)
    talk.hear(milliseconds: 1_000, speaks: false)
    #expect(talk.saidMilliseconds(0..<5) == 0)
    #expect(talk.saidMilliseconds(5..<55) == 1_000)
    #expect(talk.saidMilliseconds(55..<105) == 0)
    #expect(talk.pacer.isEmpty == true)
    #expect(
      talk.events.map(\.frame) == [7, 79], "60 ms of sound begin a turn, 500 of quiet end it")
    #expect(talk.events.map(\.events) == [[.heardStart, .saidStart], [.heardEnd, .saidEnd]])
    #expect(abs((talk.reading()?.hertz ?? 0) - 440) < 0.1)
    #expect(abs((talk.reading()?.level ?? 0) + 15) < 0.1)
  }

  @Test func `echo says made-up sound too, and never piles up`() {
    var talk = Conversation(EchoBackend())
    talk.hear(milliseconds: 20_000, speaks: true, heard: .concealed)
    #expect(talk.saidMilliseconds(0..<1_000) == 20_000)
    #expect(talk.pacer.isEmpty == true)
  }

  @Test func `parrot waits for the end of the turn, then says it whole`() {
    var talk = Conversation(ParrotBackend())
    talk.hear(milliseconds: 1_000, speaks: false)
    talk.hear(milliseconds: 2_000, speaks: true)
    talk.hear(milliseconds: 4_000, speaks: false)
    #expect(talk.saidMilliseconds(0..<150) == 0)
    let spoken = talk.said.compactMap { $0 }.flatMap { $0 }.filter { $0 != 0 }.count
    #expect(abs(spoken - 2 * 24_000) < 24_000 / 25, "within 40 ms, zeros of the tone left out")
    #expect(abs((talk.reading()?.hertz ?? 0) - 440) < 0.1)
    #expect(
      talk.events.map(\.events)
        == [.heardStart, [.heardEnd, .saidStart], .saidEnd])
    #expect(talk.events.first?.frame == 52)
    #expect(talk.events[1].frame == 174)
  }

  @Test func `parrot stops in the step in which you interrupt it, and answers the new turn`() {
    var talk = Conversation(ParrotBackend())
    talk.hear(milliseconds: 500, speaks: false)
    talk.hear(milliseconds: 3_000, speaks: true)
    talk.hear(milliseconds: 1_000, speaks: false)
    let interruption = talk.frames
    talk.hear(milliseconds: 1_000, speaks: true)
    #expect(talk.events.last?.frame == interruption + 2)
    #expect(talk.events.last?.events == [.heardStart, .interrupted])
    #expect(talk.saidMilliseconds(interruption + 2..<talk.frames) == 0)
    #expect(talk.pacer.isEmpty == true)
    let second = talk.frames
    talk.hear(milliseconds: 3_000, speaks: false)
    #expect(1_000...1_800 ~= talk.saidMilliseconds(second..<talk.frames))
  }

  @Test func `parrot bounds a turn that does not end`() {
    var talk = Conversation(ParrotBackend(rate: .hertz8000, turnMilliseconds: 2_000))
    talk.hear(milliseconds: 200, speaks: false)
    talk.hear(milliseconds: 10_000, speaks: true)
    #expect(talk.said.allSatisfy { $0 == nil })
    talk.hear(milliseconds: 5_000, speaks: false)
    #expect(talk.said.filter { $0 != nil }.count * 20 <= 2_000)
    #expect(talk.said.filter { $0 != nil }.count * 20 >= 1_500)
  }

  @Test func `parrot keeps silent through silence, clicks and steady noise`() {
    var talk = Conversation(ParrotBackend())
    talk.hear(milliseconds: 5_000, speaks: false)
    for _ in 0..<10 {
      talk.hear(milliseconds: 40, speaks: true)
      talk.hear(milliseconds: 400, speaks: false)
    }
    #expect(talk.events.isEmpty)
    #expect(talk.said.allSatisfy { $0 == nil })
  }
}
