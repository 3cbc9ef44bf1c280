import Backends
import Json
import Testing
import Voice
import Wire

@Suite struct LinkTests {
  @Test func `a service that cannot be reached is tried four times, then the client is told`() {
    let stage = Stage(.realtime)
    stage.join()
    stage.begin()
    #expect(stage.opened == 1)
    for (attempt, pause) in [(1, 250), (2, 500), (3, 1_000)] {
      stage.news(.failed("refused"))
      stage.run(pause - 50)
      #expect(stage.opened == attempt)
      stage.run(60)
      #expect(stage.opened == attempt + 1)
    }
    #expect(stage.ends.isEmpty)
    stage.news(.failed("refused"))
    #expect(stage.ends.map(\.reason) == [.failed("refused")])
    #expect(stage.told() == ["error"])
    #expect(
      stage.sent.last { $0.to == "all" }?.json["error"]?["code"] == .text("service_unavailable"))
    stage.news(.failed("again"))
    stage.client(#"{"type":"response.create"}"#)
    stage.run(1_000)
    #expect(stage.ends.count == 1 && stage.opened == 4 && stage.told() == ["error"])
    #expect(stage.backend.deadline == .never)
  }

  @Test func `a connection that tells nothing is given up, and closed before the next`() {
    let stage = Stage(.realtime)
    stage.begin()
    stage.run(9_900)
    #expect(stage.sent.isEmpty)
    stage.run(200)
    #expect(stage.sent.map(\.to) == ["close"])
    // What it tells now comes too late.
    stage.news(.opened)
    stage.service(Script.created)
    stage.run(200)
    #expect(stage.opened == 2)
    #expect(stage.appended.isEmpty)
    stage.run(60_000)
    #expect(stage.ends.map(\.reason) == [.failed("it does not answer")])
    #expect(stage.opened == 4)
  }

  @Test func `what a client says early waits, in order, behind the call's configuration`() {
    let stage = Stage(.realtime, session: #"{"instructions":"short"}"#)
    stage.begin()
    stage.join()
    stage.client(#"{"type":"session.update","session":{}}"#)
    stage.client(#"{"type":"response.create"}"#)
    stage.run(500)
    #expect(stage.toService.isEmpty)
    stage.news(.opened)
    #expect(stage.toService.map(\.type) == ["session.update", "session.update", "response.create"])
    #expect(stage.toService[0].json["session"]?["instructions"] == .text("short"))
    // The connection breaks before the service has said a word: the next one hears all of it again.
    stage.news(.closed("bye"))
    stage.run(500)
    stage.client(#"{"type":"input_audio_buffer.commit"}"#)
    let before = stage.toService.count
    stage.news(.opened)
    #expect(
      stage.toService[before...].map(\.type) == [
        "session.update", "session.update", "response.create", "input_audio_buffer.commit",
      ])
    // After its first word there is no other connection.
    stage.service(Script.created)
    stage.news(.failed("reset"))
    #expect(stage.ends.map(\.reason) == [.failed("reset")])
  }

  @Test(arguments: [
    (
      #"{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}"#,
      #"{"type":"audio/pcm","rate":16000}"#
    ),
    (#"{"audio":{"output":{"format":{"type":"audio/pcm","rate":24000}}}}"#, #""rate":16000"#),
    (#"{"output_audio_format":"g711_ulaw"}"#, #""output_audio_format":"pcm16""#),
    (#"{"input_audio_format":"g711_alaw"}"#, #""input_audio_format":"pcm16""#),
    (#"{"audio":{"output":{"format":{"type":"audio/pcm","rate":16000}}}}"#, nil),
    (#"{"audio":{"output":{"format":{"type":"audio/pcm"}},"input":{}}}"#, nil),
    (#"{"input_audio_format":"pcm16","audio":7}"#, nil), ("[]", nil), ("7", nil),
  ]) func `an audio format is not a client's to choose`(session: String, correction: String?) {
    let update = #"{"type":"session.update","session":\#(session)}"#
    for isEarly in [true, false] {
      let stage = Stage(.realtime, rate: .hertz16000)
      stage.begin()
      stage.join()
      if isEarly { stage.client(update) }
      stage.news(.opened)
      if !isEarly { stage.client(update) }
      #expect(stage.toService.first?.bytes == Array(update.utf8), "as it was")
      #expect(stage.toService.count == (correction == nil ? 1 : 2))
      let text = stage.toService.dropFirst().map { String(decoding: $0.bytes, as: UTF8.self) }.first
      #expect(correction.map { text?.contains($0) == true } ?? true, "\(text ?? "-")")
    }
  }

  @Test func `a service that begins with another rate is told ours, once`() {
    let other = #"{"audio":{"input":{"format":{"type":"audio/pcm","rate":24000}}}}"#
    let stage = Stage(.realtime, rate: .hertz8000)
    stage.begin()
    stage.news(.opened)
    stage.service(#"{"type":"session.created","session":\#(other)}"#)
    #expect(stage.toService.map(\.type) == ["session.update"])
    let input = stage.toService.first?.json["session"]?["audio"]?["input"]
    #expect(input?["format"]?["rate"] == .integer(8_000))
    for _ in 0..<5 { stage.service(#"{"type":"session.updated","session":\#(other)}"#) }
    #expect(stage.toService.count == 1)
    #expect(Stage.talking().toService.isEmpty)
  }

  @Test func `a configuration that is no object is not sent`() {
    for session in ["[]", "{", "\"x\"", #"{"a":1,"a":2}"#] {
      let stage = Stage(.realtime, session: session)
      stage.begin()
      stage.news(.opened)
      #expect(stage.toService.isEmpty)
    }
  }

  @Test func `more than may wait is refused; a service that only listens takes all`() {
    let stage = Stage(.realtime)
    stage.begin()
    stage.join()
    for number in 0..<200 { stage.client(#"{"type":"x","n":\#(number)}"#) }
    #expect(stage.told().filter { $0 == "error" }.count == 72)
    #expect(stage.sent.last?.json["error"]?["code"] == .text("service_not_ready"))
    stage.news(.opened)
    #expect(stage.toService.count == 128)
    for _ in 0..<200 { stage.client(#"{"type":"y"}"#) }
    #expect(stage.toService.count == 328)
    stage.news(.failed("gone"))
    #expect(stage.ends.count == 1, "nobody could say again what this one has heard")
  }

  @Test func `a service that ends in good order ends the call so`() {
    let stage = Stage.talking()
    stage.news(.closed("1000"))
    #expect(stage.ends.map(\.reason) == [.finished("1000")])
    #expect(stage.sent.map(\.type) == ["error"])
    #expect(stage.sent[0].json["error"]?["code"] == .text("service_ended"))
    stage.run(100)
    #expect(stage.appended.isEmpty)
  }

  @Test func `who joins late is told the session as it is, or why there is none`() {
    let stage = Stage.talking()
    stage.service(#"{"type":"session.updated","session":{"id":"s","voice":"ash"}}"#)
    stage.join(.sideband(1))
    #expect(stage.sent.last?.to == "sideband(1)")
    #expect(stage.sent.last?.type == "session.created")
    #expect(stage.sent.last?.json["session"]?["voice"] == .text("ash"))
    let other = Stage(.realtime)
    other.begin()
    for _ in 0..<4 {
      other.news(.failed("no route"))
      other.run(1_100)
    }
    #expect(other.ends.count == 1)
    #expect(other.told() == [])
    other.join()
    #expect(other.told() == ["error"])
  }

  @Test func `the end of the call closes what is open, once`() {
    let stage = Stage.talking()
    stage.end()
    stage.end()
    #expect(stage.sent.map(\.to) == ["close"])
    let idle = Stage(.realtime)
    idle.end()
    #expect(idle.sent.isEmpty)
  }

  @Test func `a service that says nothing is borne`() {
    let stage = Stage(.realtime)
    stage.begin()
    stage.join()
    stage.news(.opened)
    stage.run(120_000)
    #expect(stage.appended.count == 6_000)
    #expect(stage.ends.isEmpty && stage.sent.isEmpty)
  }
}
