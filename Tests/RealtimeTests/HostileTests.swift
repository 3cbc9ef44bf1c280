import Backends
import Json
import Testing
import Voice
import Wire

@Suite struct HostileTests {
  @Test func `events pass both ways unchanged, in order, and large ones whole`() {
    let stage = Stage.talking()
    let large =
      #"{"type":"conversation.item.create","pad":"\#(String(repeating: "é", count: 1 << 20))"}"#
    let odd = " {\n\"n\" : 1.0e+2 , \"type\":\"odd\\u002evalue\" ,\"x\":[ ]}\t"
    for text in [large, odd, #"{"type":"z"}"#] {
      stage.client(text)
      stage.service(text)
    }
    let up = stage.sent.filter { $0.to == "service" }.map(\.bytes)
    let down = stage.sent.filter { $0.to == "all" }.map(\.bytes)
    #expect(up == [large, odd, #"{"type":"z"}"#].map { Array($0.utf8) })
    #expect(down == up)
  }

  @Test func `an event beyond 16 MiB is refused from either side`() {
    let stage = Stage.talking()
    let huge = #"{"type":"x","pad":"\#(String(repeating: "a", count: 16 << 20))"}"#
    stage.client(huge)
    #expect(stage.sent.last?.json["error"]?["code"] == .text("event_too_large"))
    stage.service(huge)
    #expect(stage.sent.last?.json["error"]?["code"] == .text("service_garbage"))
    #expect(stage.toService.isEmpty)
  }

  static let nonsense: [[UInt8]] =
    [
      "", "{", "[]", "null", "{}", #"{"type":1}"#, #"{"type":null,"x":1}"#, #"{"type":"a""#,
      #"{"type":"a","type":"b"}"#, "{\"type\":\"a\u{0}\"}", #"{"type":"\ud800"}"#,
      #"{"type":"a"}}"#, "\u{FEFF}{\"type\":\"a\"}",
      "{\"type\":\"a\",\"d\":" + String(repeating: "[", count: 100_000),
    ].map { Array($0.utf8) } + [[0xFF], [UInt8](repeating: 0, count: 1_000), [0x7B, 0x22, 0xC0]]

  @Test(arguments: [BackendKind.realtime, .echo, .parrot])
  func `nonsense of a client is answered with an error, each`(kind: BackendKind) {
    let stage = Stage(kind)
    stage.begin()
    stage.join()
    stage.news(.opened)
    stage.sent = []
    for bytes in Self.nonsense { stage.client(bytes: bytes) }
    #expect(stage.told() == Self.nonsense.map { _ in "error" })
    #expect(stage.sent.allSatisfy { $0.to == "channel" })
    #expect(stage.toService.isEmpty)
    #expect(stage.backend.figures.clientEventsRefused == UInt64(Self.nonsense.count))
  }

  @Test func `an error names the event that it is about`() {
    for kind in [BackendKind.realtime, .echo] {
      let stage = Stage(kind)
      stage.begin()
      stage.join()
      stage.client(#"{"event_id":"evt \u00e9","type":"input_audio_buffer.append","audio":"AAAA"}"#)
      #expect(stage.sent.last?.json["error"]?["event_id"] == .text("evt é"))
      #expect(stage.sent.last?.json["error"]?["type"] == .text("invalid_request_error"))
    }
    let stage = Stage(.parrot)
    stage.join()
    for text in [
      #"{"type":"response.create","event_id":"r"}"#, #"{"type":"response.cancel","event_id":"r"}"#,
      #"{"type":"session.update","event_id":"r"}"#,
      #"{"type":"session.update","event_id":"r","session":3}"#,
    ] {
      stage.client(text)
      #expect(stage.sent.last?.type == "error")
      #expect(stage.sent.last?.json["error"]?["event_id"] == .text("r"))
    }
  }

  @Test func `a session does not grow beyond its bound`() {
    let stage = Stage(.echo)
    stage.join()
    let pad = String(repeating: "a", count: 100_000)
    for number in 0..<10 {
      stage.client(#"{"type":"session.update","session":{"pad\#(number)":"\#(pad)"}}"#)
    }
    #expect(stage.told().filter { $0 == "session.updated" }.count == 2)
    #expect(stage.told().filter { $0 == "error" }.count == 8)
  }

  @Test func `nonsense of a service is counted, reported now and then, and ends the call at last`()
  {
    let stage = Stage.talking()
    // Half a surrogate pair in escapes is JSON, and a type that only clients have to understand.
    let nonsense = Self.nonsense.filter { !$0.contains(UInt8(ascii: "\\")) }
    for round in 0..<200 {
      stage.news(.message(nonsense[round % nonsense.count], isText: true))
      if round % 16 == 15 { stage.service(#"{"type":"sense"}"#) }
      stage.run(20)
    }
    #expect(stage.ends.isEmpty)
    #expect(stage.backend.figures.serviceGarbage == 200)
    #expect((4...5).contains(stage.told().filter { $0 == "error" }.count), "one a second")
    for _ in 0..<32 { stage.news(.message([1, 2, 3], isText: false)) }
    #expect(stage.ends.map(\.reason) == [.failed("it sends what is no event")])
    #expect(stage.sent.contains { $0.to == "close" })
    let count = stage.sent.count
    stage.service(Script.created)
    #expect(stage.sent.count == count)
  }

  @Test func `more than 30 s at once is cut off there, and the service told where`() {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    for _ in 0..<40 {
      stage.service(Script.delta(Script.sound(7, milliseconds: 1_000), item: "i", response: "r"))
    }
    #expect(stage.voice.pacer.queuedMilliseconds == 30_000)
    let errors = stage.sent.filter { $0.type == "error" }
    #expect(errors.map { $0.json["error"]?["code"] } == [.text("output_audio_overflow")])
    #expect(stage.toService.map(\.type) == ["response.cancel"])
    #expect(stage.toService[0].json["response_id"] == .text("r"))
    #expect(stage.backend.figures.runaways == 1)
    #expect(stage.backend.figures.droppedMilliseconds == 10_000)
    stage.run(30_100)
    #expect(stage.heard(7) == 24 * 30_000)
    #expect(stage.truncations.map(\.milliseconds) == [30_000])
    stage.service(Script.responseDone("r"))
    stage.service(Script.responseCreated("s"))
    stage.service(Script.delta(Script.sound(8, milliseconds: 1_000), item: "k", response: "s"))
    stage.run(1_100)
    #expect(stage.heard(8) == 24_000)
    #expect(stage.ends.isEmpty)
  }

  @Test func `a service that does not stop is left`() {
    let stage = Stage.talking()
    stage.service(Script.responseCreated("r"))
    let delta = Script.delta(Script.sound(7, milliseconds: 2_000), item: "i", response: "r")
    var seconds = 0
    while stage.ends.isEmpty, seconds < 1_000 {
      stage.service(delta)
      stage.run(200)
      seconds += 2
    }
    // 33 s are taken while 3 are played, 300 more are dropped.
    #expect((330...345).contains(seconds), "\(seconds)")
    #expect(stage.ends.map(\.reason) == [.failed("it does not stop speaking")])
    #expect(stage.voice.pacer.queuedMilliseconds <= 30_000)
  }

  @Test func `one delta of 2 MiB, and deltas before any response`() {
    let stage = Stage.talking()
    stage.service(Script.delta(Script.sound(7, milliseconds: 32_000), item: "i", response: "r"))
    #expect(stage.voice.pacer.queuedMilliseconds == 30_000)
    let bare = Stage.talking()
    for text in [
      #"{"type":"response.audio.delta","delta":"AQABAAEA"}"#,
      #"{"type":"response.audio.delta","delta":"AQAB","item_id":7,"response_id":[]}"#,
      #"{"type":"response.audio.delta","delta":"AQAB","content_index":"x"}"#,
      #"{"type":"response.audio.delta","delta":"AQAB","content_index":99999999999999999999999}"#,
    ] { bare.service(text) }
    bare.run(100)
    #expect(bare.saidMilliseconds(0..<5) > 0)
    #expect(bare.backend.figures.serviceGarbage == 0)
    bare.service(Script.speechStarted)
    bare.service(#"{"type":"response.audio.delta","delta":"AQABAAEA"}"#)
    bare.run(60)
    #expect(bare.truncations.isEmpty, "what has no ID cannot be truncated")
    for text in [
      #"{"type":"response.done"}"#, #"{"type":"response.created"}"#,
      #"{"type":"response.output_item.done"}"#, #"{"type":"response.output_audio.done"}"#,
      #"{"type":"session.created"}"#, #"{"type":"error"}"#,
    ] { bare.service(text) }
    #expect(bare.backend.figures.serviceGarbage == 0)
  }

  @Test func `many items at once are bounded`() {
    let stage = Stage.talking()
    for number in 0..<5_000 {
      stage.service(Script.delta([1, 2, 3], item: "i\(number)", response: "r\(number)"))
    }
    #expect(stage.backend.figures.runaways > 4_000)
    stage.service(Script.speechStarted)
    #expect(stage.truncations.count <= 64)
    #expect(stage.voice.pacer.isEmpty == true)
  }

  /// Everything at once, wrong in every way, in any order, from the same seeds each time.
  @Test(arguments: 1...24)
  func `no mixture traps, grows, or ends twice`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let kind: BackendKind = [.realtime, .realtime, .audiosocket, .parrot].randomElement(
      using: &random)!
    let stage = Stage(kind)
    let seeds = [
      Script.created, Script.speechStarted, Script.responseCreated("r"), Script.responseDone("r"),
      Script.audioDone("i", response: "r"),
      Script.delta(Script.sound(3, milliseconds: 60), item: "i", response: "r"),
      Script.delta(Script.sound(3, milliseconds: 900), item: "j", response: "q"),
      #"{"type":"session.update","session":{"a":{"b":[1,{"c":"d"}]}}}"#,
      #"{"type":"output_audio_buffer.clear"}"#, #"{"type":"response.cancel"}"#,
      #"{"type":"error","error":{"event_id":"own_0001020304050607x"}}"#,
    ]
    for _ in 0..<400 {
      let text = Self.mutated(seeds.randomElement(using: &random)!, &random)
      switch Int.random(in: 0..<16, using: &random) {
      case 0: stage.begin()
      case 1: stage.join([.channel, .sideband(1), .sideband(2)].randomElement(using: &random)!)
      case 2: stage.backend.clientLeft(.channel, at: stage.now)
      case 3: stage.news(.opened)
      case 4 where Int.random(in: 0..<20, using: &random) == 0: stage.news(.failed("x"))
      case 5 where Int.random(in: 0..<20, using: &random) == 0: stage.news(.closed("x"))
      case 6...8: stage.client(bytes: text)
      case 9...12: stage.news(.message(text, isText: Int.random(in: 0..<9, using: &random) > 0))
      default:
        stage.run(20 * Int.random(in: 1...9, using: &random), speaks: .random(using: &random))
      }
      #expect(stage.voice.pacer.queuedMilliseconds <= 30_000)
      #expect(stage.ends.count <= 1)
    }
    for sent in stage.sent where sent.to != "close" && kind != .audiosocket {
      #expect((try? JsonValue.parse(sent.bytes)) != nil)
    }
  }

  private static func mutated(_ text: String, _ random: inout SeededRandom) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<[0, 0, 1, 2, 5].randomElement(using: &random)! where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.insert(Array("{}[]\",:0\\".utf8).randomElement(using: &random)!, at: place)
      case 2: bytes.remove(at: place)
      default: bytes = Array(bytes[..<place])
      }
    }
    return bytes
  }
}
