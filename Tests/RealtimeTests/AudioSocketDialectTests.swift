import Backends
import Json
import PlainBackends
import Testing
import Voice

/// A service that knows no events, behind clients that want them.
@Suite struct AudioSocketDialectTests {
  private func sound(_ value: Int16, milliseconds: Int) -> [UInt8] {
    AudioSocketFrame.make(0x13, Script.bytes(Script.sound(value, milliseconds: milliseconds)))
  }

  @Test func `its speech makes the events of a response`() {
    let stage = Stage(.audiosocket)
    stage.begin()
    stage.join()
    stage.news(.opened)
    #expect(stage.told() == ["session.created"])
    stage.run(400)
    stage.run(600, speaks: true)
    stage.run(800)
    let start = stage.sent.count
    stage.news(.message(sound(400, milliseconds: 200), isText: false))
    stage.run(400)
    #expect(
      stage.told(since: start) == [
        "response.created", "output_audio_buffer.started", "response.done",
        "output_audio_buffer.stopped",
      ])
    #expect(stage.heard(400) == 24 * 200)
    #expect(
      stage.told().filter { $0.hasPrefix("input_audio_buffer") } == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
      ])
  }

  @Test func `speech interrupts it, and so does a client`() {
    let stage = Stage(.audiosocket)
    stage.begin()
    stage.join()
    stage.news(.opened)
    stage.news(.message(sound(400, milliseconds: 1_300), isText: false))
    stage.run(500)
    stage.run(100, speaks: true)
    #expect(stage.voice.pacer.isEmpty == true)
    #expect(stage.told().suffix(2) == ["output_audio_buffer.cleared", "response.done"])
    stage.run(1_000)
    stage.news(.message(sound(400, milliseconds: 1_300), isText: false))
    stage.run(100)
    stage.client(#"{"type":"output_audio_buffer.clear"}"#)
    #expect(stage.voice.pacer.isEmpty == true)
    #expect(stage.told().suffix(2) == ["output_audio_buffer.cleared", "response.done"])
    stage.run(100)
    #expect(stage.told().last == "response.done", "nothing of it ends twice")
  }

  @Test func `its end is told, to who comes late as well`() {
    for (news, code) in [
      (ServiceNews.message([0, 0, 0], isText: false), "service_ended"),
      (.failed("reset"), "service_unavailable"),
    ] {
      let stage = Stage(.audiosocket)
      stage.begin()
      stage.join()
      stage.news(.opened)
      stage.news(.message(sound(1, milliseconds: 20), isText: false))
      stage.news(news)
      #expect(stage.ends.count == 1)
      #expect(stage.sent.last?.json["error"]?["code"] == .text(code))
      stage.join(.sideband(9))
      #expect(stage.sent.last?.to == "sideband(9)")
      #expect(stage.sent.last?.json["error"]?["code"] == .text(code))
    }
  }
}
