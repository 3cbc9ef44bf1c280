import Backends
import Json
import Testing
import Voice

@Suite struct DialectTests {
  @Test func `a client that joins is told the session, and each by itself`() throws {
    let stage = Stage(.echo, session: #"{"instructions":"be kind","id":"forged"}"#)
    stage.join()
    stage.join(.sideband(7))
    #expect(stage.sent.map(\.to) == ["channel", "sideband(7)"])
    #expect(stage.told() == ["session.created", "session.created"])
    let session = try #require(stage.sent[0].json["session"])
    #expect(session["object"] == .text("realtime.session"))
    #expect(session["instructions"] == .text("be kind"))
    #expect(session["id"]?.text?.hasPrefix("sess_") == true)
    #expect(session["model"] == .text("echo"))
  }

  @Test func `an update is merged and answered in the same step`() throws {
    let stage = Stage(.parrot)
    stage.join()
    stage.client(
      #"{"type":"session.update","event_id":"e1","session":{"type":"realtime","instructions":"x","#
        + #""audio":{"input":{"turn_detection":{"threshold":0.9}}},"new":[1,{"a":2}]}}"#)
    let answer = try #require(stage.sent.last)
    #expect(answer.type == "session.updated")
    #expect(answer.to == "all")
    let session = try #require(answer.json["session"])
    #expect(session["instructions"] == .text("x"))
    let detection = session["audio"]?["input"]?["turn_detection"]
    #expect(detection?["threshold"] == .real(0.9))
    #expect(detection?["silence_duration_ms"] == .integer(500))
    guard case .array(let list) = session["new"] else {
      Issue.record("no list")
      return
    }
    #expect(list.first == .integer(1))
    #expect(list.last?["a"] == .integer(2))
  }

  @Test func `parrot's turns make the events of a conversation`() {
    let stage = Stage(.parrot)
    stage.join()
    let start = stage.sent.count
    stage.run(500)
    stage.run(1_000, speaks: true)
    stage.run(3_000)
    #expect(
      stage.told(since: start) == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed", "response.created", "output_audio_buffer.started",
        "response.done", "output_audio_buffer.stopped",
      ])
    let second = stage.sent.count
    stage.run(3_000, speaks: true)
    stage.run(1_000)
    stage.run(200, speaks: true)
    #expect(
      stage.told(since: second).suffix(3) == [
        "input_audio_buffer.speech_started", "output_audio_buffer.cleared", "response.done",
      ])
    #expect(stage.sent.last?.json["response"]?["status"] == .text("cancelled"))
    #expect(stage.voice.pacer.isEmpty == true)
  }
}
