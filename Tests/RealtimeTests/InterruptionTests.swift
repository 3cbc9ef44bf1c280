import Backends
import Json
import Testing
import Voice
import Wire

@Suite struct InterruptionTests {
  @Test func `speech flushes at once, and the service learns what was heard`() {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(500, milliseconds: 5_000), item: "i", response: "r"))
    stage.run(1_240)
    let before = stage.sent.count
    stage.service(Script.speechStarted)
    #expect(stage.voice.pacer.isEmpty == true)
    #expect(
      stage.sent[before...].map { "\($0.to) \($0.type)" } == [
        "all input_audio_buffer.speech_started", "service conversation.item.truncate",
        "all output_audio_buffer.cleared",
      ])
    #expect(stage.truncations.map(\.milliseconds) == [1_240])
    #expect(stage.truncations.map(\.item) == ["i"])
    #expect(stage.heard(500) == 24 * 1_240)
    // What was on its way when the service heard of it is not played.
    stage.service(Script.delta(Script.sound(500, milliseconds: 200), item: "i", response: "r"))
    stage.service(Script.delta(Script.sound(500, milliseconds: 200), item: "j", response: "r"))
    stage.run(1_000)
    #expect(stage.heard(500) == 24 * 1_240)
    #expect(stage.truncations.count == 1)
    #expect(stage.backend.figures.interruptions == 1)
    // The next answer is.
    stage.service(Script.responseDone("r"))
    stage.service(Script.responseCreated("s"))
    stage.service(Script.delta(Script.sound(501, milliseconds: 200), item: "k", response: "s"))
    stage.run(400)
    #expect(stage.heard(501) == 24 * 200)
  }

  @Test func `a client's clear does the same, and is not passed on`() {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(500, milliseconds: 2_000), item: "i", response: "r"))
    stage.run(500)
    stage.client(#"{"type":"output_audio_buffer.clear","event_id":"c"}"#)
    #expect(stage.voice.pacer.isEmpty == true)
    #expect(stage.truncations.map(\.milliseconds) == [500])
    #expect(stage.toService.map(\.type) == ["conversation.item.truncate"])
    #expect(stage.sent.last?.type == "output_audio_buffer.cleared")
    #expect(stage.sent.last?.json["response_id"] == .text("r"))
    // With nothing to clear there is an answer all the same.
    stage.service(Script.responseDone("r"))
    stage.client(#"{"type":"output_audio_buffer.clear"}"#)
    #expect(stage.sent.last?.type == "output_audio_buffer.cleared")
    #expect(stage.truncations.count == 1)
  }

  @Test func `speech over nothing clears nothing`() {
    let stage = Stage.talking()
    stage.service(Script.speechStarted)
    #expect(stage.told() == ["input_audio_buffer.speech_started"])
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(5, milliseconds: 100), item: "i", response: "r"))
    stage.service(Script.audioDone("i", response: "r"))
    stage.service(Script.responseDone("r"))
    stage.run(200)
    let before = stage.sent.count
    stage.service(Script.speechStarted)
    #expect(stage.sent[before...].map(\.type) == ["input_audio_buffer.speech_started"])
    #expect(stage.truncations.isEmpty)
  }

  @Test(arguments: [
    #"{"audio":{"input":{"turn_detection":{"type":"server_vad","interrupt_response":false}}}}"#,
    #"{"turn_detection":{"type":"server_vad","interrupt_response":false}}"#,
  ])
  func `a session that does not want interruptions has none`(session: String) {
    let stage = Stage.talking(session: #"{"type":"session.updated","session":\#(session)}"#)
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(5, milliseconds: 1_000), item: "i", response: "r"))
    stage.run(100)
    stage.service(Script.speechStarted)
    stage.run(1_000)
    #expect(stage.heard(5) == 24_000)
    stage.service(
      #"{"type":"session.updated","session":{"turn_detection":{"interrupt_response":true}}}"#)
    stage.service(Script.delta(Script.sound(6, milliseconds: 1_000), item: "i", response: "r"))
    stage.run(100)
    stage.service(Script.speechStarted)
    #expect(stage.voice.pacer.isEmpty == true)
  }

  @Test func `an error about our own truncation concerns no client`() throws {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(5, milliseconds: 1_000), item: "i", response: "r"))
    stage.run(100)
    stage.service(Script.speechStarted)
    let id = try #require(stage.toService.last?.json["event_id"]?.text)
    let before = stage.sent.count
    stage.service(#"{"type":"error","error":{"message":"no","event_id":"\#(id)"}}"#)
    #expect(stage.sent.count == before)
    stage.service(#"{"type":"error","error":{"message":"no","event_id":"of a client"}}"#)
    #expect(stage.told(since: before) == ["error"])
  }

  /// Random answers of several items in random pieces, interrupted at random: each truncation says
  /// what came out of the pacer for its item, to the millisecond.
  @Test(arguments: 1...16)
  func `truncations tell what was heard`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let stage = Stage.talking()
    var value: Int16 = 0
    var values: [String: Int16] = [:]
    for turn in 0..<12 {
      let response = "r\(turn)"
      stage.service(Script.responseCreated(response))
      for part in 0..<Int.random(in: 1...3, using: &random) {
        let item = "\(response)-\(part)"
        value += 1
        values[item] = value
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          let count = Int.random(in: 1...9_000, using: &random)
          stage.service(
            Script.delta([Int16](repeating: value, count: count), item: item, response: response))
          stage.run(20 * Int.random(in: 0...12, using: &random))
        }
        if Bool.random(using: &random) { stage.service(Script.audioDone(item, response: response)) }
      }
      switch Int.random(in: 0..<3, using: &random) {
      case 0: stage.service(Script.speechStarted)
      case 1: stage.client(#"{"type":"output_audio_buffer.clear"}"#)
      default: stage.run(2_000)
      }
      stage.service(Script.responseDone(response))
      stage.run(20 * Int.random(in: 0...30, using: &random))
    }
    #expect(!stage.truncations.isEmpty)
    for (item, milliseconds) in stage.truncations {
      #expect(milliseconds == stage.heard(values[item]!) / 24, "\(item)")
    }
    #expect(Set(stage.truncations.map(\.item)).count == stage.truncations.count)
  }
}
