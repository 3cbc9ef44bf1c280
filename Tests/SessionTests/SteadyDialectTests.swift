import Backends
import CallClient
import Json
import Session
import Testing
import Voice
import Wire

/// What the next dialect needs of the session, the pacer and the clock is there: they take it
/// through the protocol that Realtime goes through, and know neither.
@Suite("A second dialect")
struct SteadyDialectTests {
  private static let started = #"{"type":"session.started","session":{"id":"live_1"}}"#

  /// A connected call whose service has started the session.
  private func call(_ dialect: SteadyDialect) throws -> CallPair {
    let call = try CallPair(
      answering: dialect, channels: [CallerChannelOptions(label: "oai-events")])
    call.run(2_000) { call.isConnected && call.heard.contains(.opened(0)) }
    #expect(call.actions.first == .openService)
    call.news(.opened)
    service(call, Self.started)
    call.run(100)
    return call
  }

  private func service(_ call: CallPair, _ text: String) {
    call.news(.message(Array(text.utf8), isText: true))
  }

  private static func delta(_ samples: [Int16]) -> String {
    #"{"type":"session.output_audio.delta","delta":"\#(Base64.text(samples))"}"#
  }

  /// What went to the service: the types of events, and the sound.
  private func toService(_ call: CallPair) -> (types: [String], sound: [[Int16]]) {
    var types: [String] = []
    var sound: [[Int16]] = []
    for case .toService(let message) in call.actions {
      guard let event = try? JsonValue.parse(message.bytes) else { continue }
      if message.isAudio {
        sound.append(Base64.samples(event["audio"]?.text ?? ""))
      } else {
        types.append(event["type"]?.text ?? "-")
      }
    }
    return (types, sound)
  }

  @Test("the session begins by its own words, and the channel hears of it")
  func begins() throws {
    let call = try call(SteadyDialect())
    #expect(toService(call).types == ["session.start"])
    #expect(call.texts() == [Self.started])
  }

  @Test("both speak at once for seconds: nothing is flushed, answered or interrupted")
  func bothSpeak() throws {
    let dialect = SteadyDialect()
    let call = try call(dialect)
    var tone = ToneGenerator(hertz: 450, level: -12, rate: .hertz24000)
    let before = (heard: toService(call).sound.count, packets: call.session.figures.rtpSent)
    for _ in 0..<50 {
      var samples = [Int16](repeating: 0, count: 2_400)
      unsafe samples.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
      service(call, Self.delta(samples))
      call.run(100)
    }
    // The caller's tone went up all the time, and is a tone there.
    let sound = toService(call).sound.dropFirst(before.heard)
    #expect((248...252).contains(sound.count))
    #expect(sound.allSatisfy { $0.count == 480 && $0.contains { $0 > 2_000 } })
    // The service's went down without a gap, as one talk spurt.
    let heard = call.client.figures.tone
    #expect(abs((heard.last?.hertz ?? 0) - 450) < 1)
    #expect(heard.windows - heard.rightWindows <= 1)
    #expect((248...252).contains(call.session.figures.rtpSent - before.packets))
    #expect((4_900 * 24...5_000 * 24).contains(Int(dialect.playedSamples)))
    let figures = call.session.figures
    #expect(figures.latency.answers == 0)
    #expect(figures.latency.voiceToVoiceMilliseconds == nil)
    #expect(figures.party.interruptions == 0)
    #expect(figures.pacerMillisecondsMax <= 200)
  }

  @Test("silence goes up too: it is the service's clock")
  func silence() throws {
    let call = try call(SteadyDialect())
    call.network = { $0.way == .up && $0.bytes[0] >= 128 ? [] : [1] }
    call.run(1_000)
    let before = toService(call).sound.count
    call.run(2_000)
    #expect((99...101).contains(toService(call).sound.count - before))
    #expect(toService(call).sound.last?.allSatisfy { abs($0) < 64 } == true)
  }

  @Test("events pass both ways unchanged and in order; what is not a client's to say is refused")
  func events() throws {
    let call = try call(SteadyDialect())
    let wishes = (0..<5).map { #"{"type":"session.commentary.append","content":"\#($0)"}"# }
    for wish in wishes { call.say(wish) }
    call.say(#"{"type":"session.start","event_id":"mine"}"#)
    call.say(#"{"type":"session.input_audio.append","audio":"","event_id":"mine too"}"#)
    call.run(500)
    let passed = call.actions.compactMap { action in
      if case .toService(let message) = action, !message.isAudio { message.bytes } else { nil }
    }
    #expect(passed.dropFirst().map { String(decoding: $0, as: UTF8.self) } == wishes)
    let refusals = call.texts().filter { $0.contains(#""code":"refused""#) }
    #expect(refusals.count == 2)
    #expect(refusals.last?.contains(#""client_event_id":"mine too""#) == true)
    let told = (0..<5).map { #"{"type":"session.output_transcript.delta","delta":"\#($0)"}"# }
    for text in told { service(call, text) }
    service(call, Self.delta([Int16](repeating: 99, count: 480)))
    call.run(500)
    #expect(Array(call.texts().suffix(5)) == told, "and sound is none of the channel's")
  }

  @Test("a sideband is told where the session stands, and the end reaches all before it comes")
  func ends() throws {
    let call = try call(SteadyDialect())
    call.join()
    #expect(call.actions.last == .toClient(.sideband(1), EventMessage(Array(Self.started.utf8))))
    call.say(#"{"type":"session.close"}"#)
    call.run(100)
    #expect(toService(call).types.last == "session.close")
    let closed = #"{"type":"session.closed","reason":"close_requested"}"#
    service(call, closed)
    call.run(100)
    #expect(call.session.end == nil)
    #expect(call.texts().last == closed)
    #expect(call.actions.contains(.toClients(EventMessage(Array(closed.utf8)))))
    call.run(1_000)
    #expect(call.session.end == .backendFinished("closed"))
    #expect(call.actions.last == .closeService)
  }
}
