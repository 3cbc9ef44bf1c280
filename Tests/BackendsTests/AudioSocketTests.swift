import Backends
import PlainBackends
import Testing
import Voice
import Wire

@Suite struct AudioSocketTests {
  /// A backend and what it wants done, on virtual time.
  struct Talk: ~Copyable {
    let backend: AudioSocketBackend
    var pacer: Pacer
    var actions: [PartyAction] = []
    var said: [Int16] = []
    var milliseconds: UInt64 = 1_000

    static let uuid = (0..<16).map { UInt8($0 * 3) }

    init(rate: PcmRate = .hertz24000) {
      backend = AudioSocketBackend(rate: rate, uuid: Self.uuid)
      pacer = Pacer(rate: rate, capacityMilliseconds: backend.pacerMilliseconds)
    }

    var now: Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    mutating func begin() {
      backend.begin(at: now)
      drain()
    }

    mutating func news(_ news: ServiceNews) {
      backend.serviceNews(news, at: now, pacer: &pacer)
      drain()
    }

    mutating func hear(_ value: Int16, activity: VoiceActivity = .unchanged) -> BackendEvents {
      milliseconds += 20
      var frame = [Int16](repeating: value, count: backend.rate.frameSampleCount)
      let now = now
      let events = unsafe frame.withUnsafeMutableBufferPointer { samples in
        let voice = unsafe HeardVoice(
          UnsafeBufferPointer(samples), frame: .voice, activity: activity)
        let events = backend.hear(voice, at: now, pacer: &pacer)
        if unsafe pacer.pull(into: samples) { unsafe said += Array(samples) }
        return events
      }
      if backend.deadline <= now { backend.handleTimeout(at: now, pacer: &pacer) }
      drain()
      return events
    }

    mutating func drain() {
      while let action = backend.nextAction() { actions.append(action) }
    }

    var sent: [[UInt8]] {
      actions.compactMap { if case .toService(let message) = $0 { message.bytes } else { nil } }
    }
  }

  private func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [type, UInt8(payload.count / 256), UInt8(payload.count % 256)] + payload
  }

  private func pcm(_ value: Int16, count: Int) -> [UInt8] {
    (0..<count).flatMap { _ in
      [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
  }

  @Test(arguments: zip(PcmRate.allCases, [0x10, 0x12, 0x13, 0x16] as [UInt8]))
  func `the UUID first, then a frame of the rate's type each 20 ms`(rate: PcmRate, type: UInt8) {
    var talk = Talk(rate: rate)
    talk.begin()
    #expect(talk.actions == [.openService])
    _ = talk.hear(1)
    #expect(talk.sent.isEmpty)
    talk.news(.opened)
    #expect(talk.sent == [frame(0x01, Talk.uuid)])
    for value in [-2, 300] as [Int16] { _ = talk.hear(value) }
    #expect(talk.sent[1] == frame(type, pcm(-2, count: rate.frameSampleCount)))
    #expect(talk.sent[2] == frame(type, pcm(300, count: rate.frameSampleCount)))
    talk.backend.end(at: talk.now)
    talk.drain()
    #expect(talk.sent.last == [0x00, 0, 0])
    #expect(talk.actions.last == .closeService)
  }

  @Test func `a stream cut into pieces of any length is the same stream`() {
    var stream: [UInt8] = []
    for (number, count) in [0, 1, 2, 479, 480, 481, 700, 3].enumerated() {
      stream += frame(0x13, pcm(Int16(number + 1), count: count))
      if number % 3 == 0 {
        stream += frame(0x03, [0x35]) + frame(0x42, [1, 2, 3]) + frame(0x01, [])
      }
    }
    var whole: [[UInt8]] = []
    var reader = AudioSocketReader()
    unsafe reader.read(stream) { type, payload in unsafe whole.append([type] + Array(payload)) }
    #expect(whole.count == 17)
    #expect(whole.map { $0.count + 2 }.reduce(0, +) == stream.count)
    for size in Array(1...64) + Array(stride(from: 65, through: stream.count, by: 97)) {
      var pieces: [[UInt8]] = []
      var reader = AudioSocketReader()
      for start in stride(from: 0, to: stream.count, by: size) {
        unsafe reader.read(Array(stream[start..<min(start + size, stream.count)])) {
          unsafe pieces.append([$0] + Array($1))
        }
      }
      #expect(pieces == whole, "pieces of \(size)")
    }
  }

  @Test func `every length that a header can tell`() {
    for length in Array(0...600) + [4_095, 32_767, 32_768, 65_534, 65_535] {
      let bytes = frame(0x13, [UInt8](repeating: 7, count: length))
      var reader = AudioSocketReader()
      var seen: [Int] = []
      for end in [0, 1, 2, 3, 4, bytes.count / 2, bytes.count - 1] where end < bytes.count {
        var cut = AudioSocketReader()
        unsafe cut.read(Array(bytes[..<end])) { seen.append(-Int($0) - $1.count) }
        unsafe cut.read(Array(bytes[end...])) { seen.append($1.count) }
        #expect(seen == [length], "\(length) cut at \(end)")
        seen = []
      }
      unsafe reader.read(bytes + bytes) { seen.append($1.count) }
      #expect(seen == [length, length])
    }
  }

  @Test func `what it says is heard, and is dropped when the person speaks`() {
    var talk = Talk()
    talk.begin()
    talk.news(.opened)
    talk.news(.message(frame(0x13, pcm(9, count: 24 * 200)), isText: false))
    talk.news(.message(frame(0x10, pcm(8, count: 100)) + frame(0x77, [1]), isText: false))
    #expect(talk.hear(0) == .saidStart)
    for _ in 0..<4 { _ = talk.hear(0) }
    #expect(talk.said == [Int16](repeating: 9, count: 24 * 100))
    #expect(talk.hear(500, activity: .started) == [.heardStart, .interrupted])
    #expect(talk.pacer.isEmpty == true)
    #expect(talk.hear(0, activity: .ended) == .heardEnd)
    #expect(talk.said.count == 24 * 100)
    #expect(talk.backend.figures.serviceMessages == 1)
    #expect(talk.backend.figures.serviceGarbage == 2)
    talk.news(.message(frame(0x13, pcm(9, count: 24 * 40)), isText: false))
    #expect(talk.hear(0) == .saidStart)
    #expect(talk.hear(0) == [])
    #expect(talk.hear(0) == .saidEnd)
  }

  @Test func `hang-up, error, and a broken connection end the call, each in its way`() {
    for (news, expected) in [
      (ServiceNews.message([0x00, 0, 0], isText: false), PartyEnd.finished("it has hung up")),
      (.message([0xFF, 0, 1, 4], isText: false), .failed("it has reported error 4")),
      (.message([0xFF, 0, 0], isText: false), .failed("it has reported error")),
      (.closed("end of file"), .finished("end of file")), (.failed("reset"), .failed("reset")),
    ] {
      var talk = Talk()
      talk.begin()
      talk.news(.opened)
      talk.news(.message(frame(0x13, [0, 0]), isText: false))
      talk.news(news)
      #expect(talk.actions.contains(.endCall(expected)), "\(news)")
      let count = talk.actions.count
      talk.news(.message(frame(0x13, pcm(1, count: 480)), isText: false))
      _ = talk.hear(0)
      talk.backend.end(at: talk.now)
      talk.drain()
      #expect(talk.actions.count == count)
    }
  }

  @Test func `more than 30 s is refused and counted`() {
    var talk = Talk()
    talk.begin()
    talk.news(.opened)
    for _ in 0..<40 {
      talk.news(.message(frame(0x13, pcm(9, count: 24_000)), isText: false))
    }
    #expect(talk.pacer.queuedMilliseconds == 30_000)
    #expect(talk.backend.figures.droppedMilliseconds == 10_000)
    #expect(talk.backend.figures.runaways == 1)
    for _ in 0..<400 {
      talk.news(.message(frame(0x13, pcm(9, count: 24_000)), isText: false))
    }
    #expect(talk.backend.figures.droppedMilliseconds == 301_000)
    #expect(talk.actions.last == .endCall(.failed("it does not stop speaking")))
  }

  @Test(arguments: 1...8) func `no stream of noise traps or grows`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var talk = Talk()
    talk.begin()
    talk.news(.opened)
    for _ in 0..<300 {
      let count = Int.random(in: 0...3_000, using: &random)
      let types: [UInt8] = [0x10, 0x13, 0x13, 0x01, 0x03, 0x55]
      var piece = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      if !piece.isEmpty { piece[0] = types.randomElement(using: &random)! }
      talk.news(.message(piece, isText: .random(using: &random)))
      _ = talk.hear(.random(in: -9_000...9_000, using: &random))
      #expect(talk.pacer.queuedMilliseconds <= 30_000)
    }
    #expect(talk.actions.filter { if case .endCall = $0 { true } else { false } }.count <= 1)
  }
}
