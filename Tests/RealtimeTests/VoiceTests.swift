import Backends
import Json
import Testing
import Voice
import Wire

@Suite struct VoiceTests {
  @Test(arguments: [PcmRate.hertz8000, .hertz16000, .hertz24000])
  func `each frame goes up as base64 at the service's rate, silence too`(rate: PcmRate) throws {
    let stage = Stage(.realtime, rate: rate)
    stage.begin()
    stage.run(100, speaks: true)
    #expect(stage.appended.isEmpty, "nobody is there yet")
    #expect(stage.backend.figures.unheardMilliseconds == 100)
    stage.news(.opened)
    stage.run(200, speaks: true)
    stage.run(200)
    #expect(stage.appended.count == 20)
    var tone = ToneGenerator(hertz: 440, level: -15, rate: rate)
    for (number, bytes) in stage.appended.enumerated() {
      let event = try JsonValue.parse(bytes)
      #expect(event["type"] == .text("input_audio_buffer.append"))
      var frame = [Int16](repeating: 0, count: rate.frameSampleCount)
      if number < 10 {
        if number == 0 {
          for _ in 0..<5 { unsafe frame.withUnsafeMutableBufferPointer { unsafe tone.fill($0) } }
        }
        unsafe frame.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
      }
      #expect(Script.fromBase64(event["audio"]?.text ?? "") == Script.bytes(frame))
    }
  }

  @Test(arguments: ["response.output_audio.delta", "response.audio.delta"])
  func `sound comes down to the sample, and to no client`(name: String) {
    let stage = Stage.talking()
    var random = SeededRandom(seed: 7)
    let sound = (0..<24_000).map { _ in Int16.random(in: 1...30_000, using: &random) }
    stage.service(Script.responseCreated("r"))
    for start in stride(from: 0, to: sound.count, by: 6_000) {
      stage.service(
        Script.delta(Array(sound[start..<start + 6_000]), item: "i", response: "r", name: name))
    }
    stage.run(1_000)
    #expect(stage.said.compactMap { $0 }.flatMap { $0 } == sound)
    #expect(stage.told() == ["response.created", "output_audio_buffer.started"])
  }

  @Test func `base64 in any shape: cut anywhere, without padding, with escaped slashes`() {
    let sound = (0..<720).map { Int16(truncatingIfNeeded: $0 &* 911 + 64) }.map { $0 == 0 ? 1 : $0 }
    let bytes = Script.bytes(sound)
    for cut in 0...24 {
      let stage = Stage.talking()
      stage.service(
        Script.delta(
          text: Script.base64(Array(bytes[..<cut]), pads: cut % 2 == 0), item: "i", response: "r"))
      stage.service(
        Script.delta(
          text: Script.base64(Array(bytes[cut...]), pads: cut % 2 == 1)
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: #"\/"#),
          item: "i", response: "r"))
      stage.service(Script.audioDone("i", response: "r"))
      stage.run(60)
      #expect(stage.said.compactMap { $0 }.flatMap { $0 }.prefix(720) == sound[...])
      #expect(stage.backend.figures.serviceGarbage == 0)
    }
  }

  @Test func `a base64 cut off at any length is sound or garbage, and never a trap`() {
    let text = Script.base64(Script.bytes(Script.sound(77, milliseconds: 20)))
    for length in 0...text.utf8.count {
      let stage = Stage.talking()
      stage.service(Script.delta(text: String(text.prefix(length)), item: "i", response: "r"))
      let isWhole = length % 4 != 1
      #expect(stage.backend.figures.serviceGarbage == (isWhole ? 0 : 1), "\(length)")
    }
    for wrong in ["AA*A", "AAAA====", "=AAA", "AA=A", "A A", "é", #"\u0041AAA\""#, "AAA\u{1}"] {
      let stage = Stage.talking()
      stage.service(Script.delta(text: wrong, item: "i", response: "r"))
      #expect(stage.backend.figures.serviceGarbage == 1, "\(wrong)")
    }
  }

  @Test func `started and stopped stand where the sound does, one pair for each response`() {
    let stage = Stage.talking()
    for response in ["r1", "r2"] {
      stage.service(Script.responseCreated(response))
      stage.service(
        Script.delta(Script.sound(9, milliseconds: 200), item: "i" + response, response: response))
      stage.service(Script.audioDone("i" + response, response: response))
      stage.service(Script.responseDone(response))
    }
    #expect(!stage.told().contains("output_audio_buffer.started"), "nothing was played yet")
    stage.run(200)
    stage.run(400)
    let marks = stage.sent.filter { $0.type.hasPrefix("output_audio_buffer") }
    #expect(
      marks.map { $0.type.split(separator: ".")[1] + " " + ($0.json["response_id"]?.text ?? "") }
        == ["started r1", "stopped r1", "started r2", "stopped r2"])
    #expect(marks[1].at - marks[0].at == 200)
    #expect(marks[3].at - marks[2].at == 180)
  }

  @Test func `stopped waits for the end of the response, not for a gap in its sound`() {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    stage.service(Script.delta(Script.sound(9, milliseconds: 100), item: "i", response: "r"))
    stage.run(500)
    stage.service(Script.delta(Script.sound(9, milliseconds: 100), item: "i", response: "r"))
    stage.run(500)
    #expect(stage.told().filter { $0.hasPrefix("output") } == ["output_audio_buffer.started"])
    stage.service(Script.responseDone("r"))
    #expect(stage.told().last == "output_audio_buffer.stopped")
  }
}
