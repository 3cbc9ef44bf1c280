import Backends
import Json
import Realtime
import Voice
import Wire

/// A call without a network on a virtual clock: one backend, its pacer, scripted clients and a
/// scripted service, and everything that was sent to each.
final class Stage {
  struct Sent {
    let at: UInt64
    let to: String
    let bytes: [UInt8]

    var json: JsonValue { (try? JsonValue.parse(bytes)) ?? .null }
    var type: String { json["type"]?.text ?? "-" }
  }

  let backend: any VoiceBackend
  var voice: Voice
  var sent: [Sent] = []
  var ends: [(at: UInt64, reason: PartyEnd)] = []
  var milliseconds: UInt64 = 1_000_000
  /// Milliseconds of what was said in each frame since the start: nil for nothing.
  var said: [[Int16]?] = []
  /// Bytes of sound that went to the service.
  var appended: [[UInt8]] = []
  var opened = 0
  var isOpen = false

  struct Voice: ~Copyable {
    var pacer: Pacer
    var tone: ToneGenerator
    var detector = VoiceActivityDetector()
  }

  init(_ backend: any VoiceBackend) {
    self.backend = backend
    voice = Voice(
      pacer: Pacer(rate: backend.rate, capacityMilliseconds: backend.pacerMilliseconds),
      tone: ToneGenerator(hertz: 440, level: -15, rate: backend.rate))
  }

  convenience init(_ kind: BackendKind, rate: PcmRate = .hertz24000, session: String = "") {
    var settings = BackendSettings(kind)
    settings.serviceRate = rate
    self.init(
      settings.makeRealtimeBackend(
        RealtimeCall(identity: (0..<16).map { UInt8($0) }, session: Array(session.utf8))))
  }

  var now: Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  // MARK: - Time

  /// Lets the call's clock run, a frame each 20 ms.
  func run(_ duration: Int, speaks: Bool = false) {
    for _ in 0..<(duration / 20) {
      milliseconds += 20
      tick(speaks: speaks)
      if backend.deadline <= now {
        backend.handleTimeout(at: now, pacer: &voice.pacer)
        drain()
      }
    }
  }

  private func tick(speaks: Bool) {
    var frame = [Int16](repeating: 0, count: backend.rate.frameSampleCount)
    let now = now
    unsafe frame.withUnsafeMutableBufferPointer { samples in
      if speaks { unsafe voice.tone.fill(samples) }
      let heard = UnsafeBufferPointer(samples)
      let activity = unsafe voice.detector.hear(heard)
      let given = unsafe HeardVoice(heard, frame: speaks ? .voice : .silence, activity: activity)
      _ = backend.hear(given, at: now, pacer: &voice.pacer)
      let isSaid = unsafe voice.pacer.pull(into: samples)
      unsafe said.append(isSaid ? Array(samples) : nil)
    }
    backend.played(at: now, pacer: &voice.pacer)
    drain()
  }

  // MARK: - In

  func begin() {
    backend.begin(at: now)
    drain()
  }

  func join(_ client: ClientID = .channel) {
    backend.clientJoined(client, at: now)
    drain()
  }

  func client(_ text: String, from client: ClientID = .channel) {
    self.client(bytes: Array(text.utf8), from: client)
  }

  func client(bytes: [UInt8], from client: ClientID = .channel) {
    backend.clientEvent(bytes, from: client, at: now, pacer: &voice.pacer)
    drain()
  }

  func news(_ news: ServiceNews) {
    if news == .opened { isOpen = true }
    backend.serviceNews(news, at: now, pacer: &voice.pacer)
    drain()
  }

  func service(_ text: String) { news(.message(Array(text.utf8), isText: true)) }

  func end() {
    backend.end(at: now)
    drain()
  }

  // MARK: - Out

  private func drain() {
    while let action = backend.nextAction() {
      switch action {
      case .toClients(let event): note("all", event.bytes)
      case .toClient(let client, let event): note("\(client)", event.bytes)
      case .openService: opened += 1
      case .closeService: note("close", [])
      case .toService(let message):
        if message.isAudio {
          appended.append(message.bytes)
        } else {
          note("service", message.bytes)
        }
      case .endCall(let reason): ends.append((milliseconds, reason))
      }
    }
  }

  private func note(_ to: String, _ bytes: [UInt8]) {
    sent.append(Sent(at: milliseconds, to: to, bytes: bytes))
  }

  /// The types of the events for clients since `start`.
  func told(since start: Int = 0) -> [String] {
    sent[start...].filter { $0.to != "service" && $0.to != "close" }.map(\.type)
  }

  /// The events to the service, sound left out.
  var toService: [Sent] { sent.filter { $0.to == "service" } }

  func saidMilliseconds(_ frames: Range<Int>) -> Int {
    said[frames].filter { $0 != nil }.count * 20
  }
}
