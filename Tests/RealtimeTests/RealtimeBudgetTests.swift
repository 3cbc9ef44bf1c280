import Backends
import Realtime
import TestSupport
import Testing
import Voice
import Wire

/// What a frame and a message cost in memory. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of a Realtime backend", .serialized, .enabled(if: Cost.isMeasurable))
struct RealtimeBudgetTests {
  /// A backend, its pacer and one frame, made before anything is counted.
  @safe final class Bench {
    let backend: any VoiceBackend
    var voice: Stage.Voice
    var now = Instant(nanoseconds: 1_000_000_000)
    var sound = 0
    let frame: UnsafeMutableBufferPointer<Int16>

    init(_ kind: BackendKind) {
      backend = BackendSettings(kind).makeRealtimeBackend(
        RealtimeCall(identity: [UInt8](repeating: 1, count: 16)))
      voice = Stage.Voice(
        pacer: Pacer(rate: backend.rate, capacityMilliseconds: backend.pacerMilliseconds),
        tone: ToneGenerator(hertz: 300, level: -15, rate: backend.rate))
      unsafe frame = .allocate(capacity: backend.rate.frameSampleCount)
      unsafe frame.initialize(repeating: 100)
      backend.begin(at: now)
      backend.serviceNews(.opened, at: now, pacer: &voice.pacer)
      backend.clientJoined(.channel, at: now)
      drain()
    }

    deinit { unsafe frame.deallocate() }

    /// One frame of a call: heard, said, played, actions taken.
    func tick() {
      now = now.advanced(byMilliseconds: 20)
      let voice = unsafe HeardVoice(
        UnsafeBufferPointer(frame), frame: .voice, activity: .unchanged)
      _ = backend.hear(voice, at: now, pacer: &self.voice.pacer)
      _ = unsafe self.voice.pacer.pull(into: frame)
      backend.played(at: now, pacer: &self.voice.pacer)
      drain()
    }

    func message(_ message: ServiceNews) {
      backend.serviceNews(message, at: now, pacer: &voice.pacer)
      drain()
    }

    private func drain() {
      while let action = backend.nextAction() {
        if case .toService(let message) = action, message.isAudio { sound += 1 }
      }
    }
  }

  @Test("a frame towards a service: one allocation, the message itself")
  func frameUp() {
    let bench = Bench(.realtime)
    for _ in 0..<10 { bench.tick() }
    for _ in 0..<20 {
      let cost = Cost.of { bench.tick() }
      #expect(cost.mallocs + cost.objects <= 2, "\(cost)")
      #expect(cost.mallocs == 1, "\(cost)")
    }
    #expect(bench.sound == 30)
  }

  @Test("a frame of echo and parrot: none", arguments: [BackendKind.echo, .parrot])
  func frameLocal(kind: BackendKind) {
    let bench = Bench(kind)
    for _ in 0..<10 { bench.tick() }
    for _ in 0..<20 {
      let cost = Cost.of { bench.tick() }
      #expect(cost.mallocs == 0, "\(cost)")
      #expect(cost.objects == 0, "\(cost)")
    }
  }

  @Test("a delta of a second of speech: its IDs, and nothing that grows with it")
  func deltaDown() {
    let bench = Bench(.realtime)
    bench.message(.message(Array(Script.created.utf8), isText: true))
    bench.message(.message(Array(Script.responseCreated("r").utf8), isText: true))
    let long = ServiceNews.message(
      Array(Script.delta(Script.sound(5, milliseconds: 1_000), item: "i", response: "r").utf8),
      isText: true)
    let short = ServiceNews.message(
      Array(Script.delta(Script.sound(5, milliseconds: 20), item: "i", response: "r").utf8),
      isText: true)
    bench.message(short)
    bench.tick()
    let ofShort = Cost.of { bench.message(short) }
    let ofLong = Cost.of { bench.message(long) }
    // The two IDs; the list of segments grows now and then.
    #expect(ofShort.mallocs <= 3, "\(ofShort)")
    #expect(ofLong.mallocs <= 3, "\(ofLong)")
    bench.tick()
    let cost = Cost.of { bench.tick() }
    #expect(cost.mallocs == 1, "a frame up, one down: \(cost)")
  }
}
