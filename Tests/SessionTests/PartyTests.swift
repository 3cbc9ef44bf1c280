import Backends
import CallClient
import Testing
import Voice
import Wire

@testable import Session

/// The answering side in a whole call: actions, ends and times.
@Suite("The answering side of a call")
struct PartyTests {
  private static let created = #"{"type":"session.created","session":{"id":"s"}}"#

  private static func delta(_ samples: [Int16]) -> String {
    #"{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":""#
      + Base64.text(samples) + #""}"#
  }

  /// A tone of 300 Hz, `milliseconds` (a multiple of 20) at 24 kHz.
  private static func tone(_ milliseconds: Int) -> [Int16] {
    var samples = [Int16](repeating: 0, count: 24 * milliseconds)
    var generator = ToneGenerator(hertz: 300, level: -12, rate: .hertz24000)
    unsafe samples.withUnsafeMutableBufferPointer { unsafe generator.fill($0) }
    return samples
  }

  private func service(_ call: CallPair, _ text: String) {
    call.news(.message(Array(text.utf8), isText: true))
  }

  private func texts(_ call: CallPair) -> [String] {
    call.actions.compactMap {
      switch $0 {
      case .toClients(let event): "all " + String(decoding: event.bytes, as: UTF8.self)
      case .toClient(_, let event): "one " + String(decoding: event.bytes, as: UTF8.self)
      case .toService(let message) where !message.isAudio:
        "service " + String(decoding: message.bytes, as: UTF8.self)
      default: nil
      }
    }
  }

  @Test("the service is asked for when the client is reached, and closed when it leaves")
  func opensAndCloses() throws {
    let call = try CallPair(backend: .realtime)
    #expect(call.actions.isEmpty)
    call.run(1_000) { !call.actions.isEmpty }
    #expect(call.actions == [.openService])
    #expect(!call.isConnected, "well before the voice")
    call.news(.opened)
    call.run(1_000)
    call.client.hangUp(at: call.now)
    call.collect()
    call.run(100)
    #expect(call.session.end == .clientClosed)
    #expect(call.actions.last == .closeService)
  }

  @Test("a call that nobody comes to asks for no service")
  func unreached() throws {
    let call = try CallPair(backend: .realtime, network: { _ in [] })
    call.run(40_000)
    #expect(call.session.end == .neverConnected)
    #expect(call.actions.isEmpty)
  }

  @Test("the truncation's milliseconds are what the client received", arguments: [1, 40, 120])
  func truncation(delay: UInt64) throws {
    let call = try CallPair(backend: .realtime, network: { _ in [delay] })
    call.join()
    call.run(3_000) { call.isConnected }
    call.news(.opened)
    service(call, Self.created)
    call.run(1_000)
    service(call, Self.delta(Self.tone(4_000)))
    let before = call.sent.count
    call.run(1_330)
    let packets = call.sent[before...].filter(Self.isVoice)
    service(call, #"{"type":"input_audio_buffer.speech_started"}"#)
    call.run(100)
    let text = try #require(texts(call).last { $0.contains("conversation.item.truncate") })
    let digits = try #require(text.split(separator: "audio_end_ms\":").last?.prefix { $0.isNumber })
    let milliseconds = try #require(Int(digits))
    #expect(abs(milliseconds - packets.count * 20) <= 40)
    #expect(abs(milliseconds - 1_330) <= 40)
  }

  @Test("the service has each frame of voice with the packet that brings it")
  func promptVoice() throws {
    var packets: UInt64 = 0
    let call = try CallPair(backend: .realtime, network: { _ in [7] })
    call.run(1_000) { call.isConnected }
    call.news(.opened)
    service(call, Self.created)
    call.run(500)
    var count = call.actions.filter(Self.isSound).count
    var last = call.session.figures.rtpAccepted
    for _ in 0..<1_000 {
      call.run(1)
      let sounds = call.actions.filter(Self.isSound).count
      let accepted = call.session.figures.rtpAccepted
      #expect(sounds - count == Int(accepted - last))
      packets += accepted - last
      (count, last) = (sounds, accepted)
    }
    #expect(packets >= 49)
  }

  @Test("a client that sends faster than its clock can run makes the service hear no more")
  func flood() throws {
    let call = try CallPair(backend: .realtime)
    call.run(1_000) { call.isConnected }
    call.news(.opened)
    service(call, Self.created)
    call.run(1_000)
    let before = call.actions.filter(Self.isSound).count
    let accepted = call.session.figures.rtpAccepted
    // Half a minute of voice in a second.
    for turn in 1...1_500 as ClosedRange<UInt64> {
      call.client.handleTimeout(at: call.now.advanced(byMilliseconds: 20 * turn))
      call.collect()
      if turn % 30 == 0 { call.run(20) }
    }
    #expect(call.session.figures.rtpAccepted - accepted > 1_000)
    let heard = call.actions.filter(Self.isSound).count - before
    #expect((50...165).contains(heard), "two seconds at once, one in time, and a quarter")
  }

  private static func isSound(_ action: PartyAction) -> Bool {
    guard case .toService(let message) = action else { return false }
    return message.isAudio
  }

  @Test("a service that fails: the client is told, and the call ends a moment later")
  func failure() throws {
    let call = try CallPair(backend: .realtime)
    call.run(1_000) { call.isConnected }
    call.join()
    call.news(.opened)
    service(call, Self.created)
    call.news(.failed("reset by peer"))
    #expect(texts(call).last?.contains("service_unavailable") == true)
    call.run(450)
    #expect(call.session.end == nil)
    call.run(100)
    #expect(call.session.end == .backendFailed("reset by peer"))
    #expect(call.session.end?.name == "backend-failed")
    #expect(call.session.end?.detail == "reset by peer")
  }

  @Test("bad news waits three seconds for somebody to hear it")
  func lateClient() throws {
    for joins in [false, true] {
      let call = try CallPair(backend: .realtime)
      call.run(1_000) { call.isConnected }
      for _ in 0..<4 {
        call.news(.failed("refused"))
        call.run(1_100)
      }
      #expect(call.session.end == nil)
      if joins {
        call.join()
        #expect(texts(call).last?.hasPrefix("one ") == true)
        #expect(texts(call).last?.contains("refused") == true)
      }
      call.run(600)
      #expect((call.session.end == .backendFailed("refused")) == joins)
      call.run(1_500)
      #expect(call.session.end == .backendFailed("refused"))
    }
  }

  @Test("a service that has ended in good order is heard to its last word")
  func finishes() throws {
    let call = try CallPair(backend: .realtime)
    call.run(1_000) { call.isConnected }
    call.join()
    call.news(.opened)
    service(call, Self.created)
    service(call, Self.delta(Self.tone(3_000)))
    call.run(100)
    let before = call.sent.count
    call.news(.closed("done"))
    call.run(2_800)
    #expect(call.session.end == nil)
    call.run(800)
    #expect(call.session.end == .backendFinished("done"))
    #expect(call.sent[before...].filter(Self.isVoice).count >= 144)
  }

  /// A packet to the client with sound in it; RTCP is told by its second byte (RFC 5761).
  private static func isVoice(_ datagram: CallPair.Datagram) -> Bool {
    datagram.way == .down && datagram.bytes.count > 40 && datagram.bytes[0] >> 6 == 2
      && !(192...223).contains(datagram.bytes[1])
  }

  @Test("the times of a call")
  func latency() throws {
    let call = try CallPair(backend: .parrot, network: { _ in [30] })
    call.run(2_000)
    let figures = call.session.figures.latency
    let stun = try #require(figures.firstStunMilliseconds)
    let dtls = try #require(figures.dtlsMilliseconds)
    let audioIn = try #require(figures.firstAudioInMilliseconds)
    let audioOut = try #require(figures.firstAudioOutMilliseconds)
    #expect(stun == 30)
    #expect((90...160).contains(dtls - stun))
    #expect(audioIn >= dtls && audioIn < dtls + 100)
    #expect(audioOut >= dtls && audioOut <= dtls + 20)
    #expect(figures.answers == 0)
  }

  @Test("from the end of speech to the answer")
  func voiceToVoice() {
    var clock = LatencyClock(born: Instant(nanoseconds: 0))
    var milliseconds: UInt64 = 0
    var held: UInt64 = 0
    func step(_ count: Int, heard: Bool, said: Bool) {
      for _ in 0..<count {
        milliseconds += 20
        let now = Instant(nanoseconds: milliseconds * 1_000_000)
        clock.noteHeard(isSpeech: heard, arrival: now.advanced(byMillisecondsBack: held), at: now)
        clock.noteSaid(isSpeech: said, at: now)
      }
    }
    step(50, heard: true, said: false)
    step(30, heard: false, said: false)
    step(1, heard: false, said: true)
    #expect(clock.figures.voiceToVoiceMilliseconds == 620)
    // Pauses within the answer are no new answers; speech over it is none either.
    step(10, heard: false, said: false)
    step(10, heard: false, said: true)
    step(10, heard: true, said: true)
    step(1, heard: true, said: false)
    step(1, heard: true, said: true)
    #expect(clock.figures.answers == 1)
    step(1, heard: true, said: false)
    step(9, heard: false, said: false)
    step(1, heard: false, said: true)
    #expect(clock.figures.answers == 2)
    #expect(clock.figures.voiceToVoiceMilliseconds == 200)
    #expect(clock.figures.voiceToVoiceMillisecondsMax == 620)
    #expect(clock.figures.voiceToVoiceMillisecondsSum == 820)
    #expect(clock.figures.lastAnswersInOrder == [620, 200])
    // What the jitter buffer held back belongs to the time, but makes no pause of its own.
    held = 120
    step(5, heard: true, said: false)
    step(1, heard: false, said: true)
    #expect(clock.figures.answers == 2)
    step(5, heard: true, said: false)
    step(9, heard: false, said: false)
    step(1, heard: false, said: true)
    #expect(clock.figures.voiceToVoiceMilliseconds == 320)
    held = 0
    for count in 5...24 {
      step(1, heard: true, said: false)
      step(count, heard: false, said: false)
      step(1, heard: false, said: true)
    }
    #expect(clock.figures.lastAnswersInOrder == (9...24).map { UInt32($0 + 1) * 20 })
  }

  @Test("an ended call takes no events and asks for nothing more")
  func ended() throws {
    let call = try CallPair(backend: .realtime)
    call.run(1_000)
    call.hangUp()
    let count = call.actions.count
    call.join()
    call.tell(#"{"type":"x"}"#)
    call.news(.opened)
    call.news(.failed("x"))
    #expect(call.actions.count == count)
    #expect(call.session.deadline == .never)
  }
}
