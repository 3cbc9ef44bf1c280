import Backends
import CallClient
import Sctp
import Session
import Testing
import Voice
import Wire

/// Ten whole calls, packet for packet and word for word as they were when `Tests/golden/calls` was
/// written. Who changes behaviour sees here which.
@Suite("Calls as they were")
struct GoldenCallTests {
  private static let names = [
    "echo", "parrot", "realtime", "audiosocket", "channel", "losses", "move", "hang-up",
    "never-connected", "hostile",
  ]

  @Test(arguments: names)
  func call(name: String) throws {
    let journal = CallJournal()
    switch name {
    case "echo": try Self.echo(journal)
    case "parrot": try Self.parrot(journal)
    case "realtime": try Self.realtime(journal)
    case "audiosocket": try Self.audioSocket(journal)
    case "channel": try Self.channel(journal)
    case "losses": try Self.losses(journal)
    case "move": try Self.move(journal)
    case "hang-up": try Self.hangUp(journal)
    case "never-connected": try Self.neverConnected(journal)
    case "hostile": try Self.hostile(journal)
    default: preconditionFailure("no script is called \(name)")
    }
    try GoldenFile(name: "calls/\(name).txt").check(journal.lines)
  }

  // MARK: - Built-in backends

  private static func echo(_ journal: CallJournal) throws {
    let call = try CallPair(journal: journal, network: { _ in [20] })
    call.run(5_000)
    end(call, journal)
    for (sends, receives, heard) in [
      (false, true, 111), (true, false, 111), (true, true, 96),
    ] as [(Bool, Bool, UInt8)] {
      journal.title("sends \(sends), receives \(receives), payload type \(heard)")
      let other = try CallPair(
        journal: journal, network: { _ in [20] },
        change: {
          $0.sendsAudio = sends
          $0.receivesAudio = receives
          $0.heardPayloadTypes = [heard]
        })
      other.run(900)
      end(other, journal)
    }
  }

  /// The caller hangs up.
  static func end(_ call: CallPair, _ journal: CallJournal) {
    call.client.hangUp(at: call.now)
    call.collect()
    call.run(200)
    journal.finish(call)
  }

  /// The caller falls silent, and hears itself.
  private static func parrot(_ journal: CallJournal) throws {
    let call = try CallPair(
      setup: .active, backend: .parrot, journal: journal, network: { _ in [30] })
    call.join()
    call.run(2_000)
    call.network = { $0.way == .up && isVoice($0) ? [] : [30] }
    call.run(3_600)
    call.network = { _ in [30] }
    call.run(800)
    call.hangUp()
    call.run(100)
    journal.finish(call)
  }

  // MARK: - Services

  private static func realtime(_ journal: CallJournal) throws {
    let call = try CallPair(
      backend: .realtime, journal: journal, network: { _ in [20] },
      offering: { $0.offersNack = true })
    call.join()
    call.run(300)
    call.news(.opened)
    say(call, #"{"type":"session.created","session":{"id":"sess_1","object":"realtime.session"}}"#)
    call.tell(#"{"type":"session.update","event_id":"u","session":{"instructions":"Sing."}}"#)
    call.run(700)
    speak(call, response: "r1", item: "i1", milliseconds: 1_500)
    call.run(900)
    say(
      call,
      #"{"type":"input_audio_buffer.speech_started","audio_start_ms":100,"item_id":"item_u"}"#)
    // What was on its way is not played.
    say(call, delta(tone(100), response: "r1", item: "i1"))
    say(call, #"{"type":"response.done","response":{"id":"r1","status":"cancelled"}}"#)
    call.run(500)
    speak(call, response: "r2", item: "i2", milliseconds: 600)
    call.tell(#"{"type":"output_audio_buffer.clear","event_id":"c"}"#, from: .sideband(2))
    call.run(400)
    call.tell("no JSON")
    say(call, "no JSON either")
    speak(call, response: "r3", item: "i3", milliseconds: 400)
    call.run(300)
    call.news(.closed("done"))
    call.run(1_500)
    journal.finish(call)
    for joins in [true, false] {
      journal.title("a service that fails four times, and somebody who comes late: \(joins)")
      let failing = try CallPair(backend: .realtime, journal: journal, network: { _ in [20] })
      failing.run(300)
      for _ in 0..<4 {
        failing.news(.failed("refused"))
        failing.run(1_100)
      }
      if joins { failing.join() }
      failing.run(4_000) { failing.session.end != nil }
      journal.finish(failing)
    }
  }

  private static func audioSocket(_ journal: CallJournal) throws {
    let call = try CallPair(
      setup: .active, backend: .audiosocket, journal: journal, network: { _ in [20] })
    call.join()
    call.run(300)
    call.news(.failed("refused"))
    call.run(1_200)
    call.news(.opened)
    call.run(400)
    var stream: [UInt8] = []
    let samples = tone(1_200)
    for start in stride(from: 0, to: samples.count, by: 480) {
      let payload = samples[start..<start + 480].flatMap {
        [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
      }
      stream += [0x13, 3, 192] + payload
    }
    // In pieces that know nothing of the frames, and one frame of another rate.
    stream += [0x10, 0, 2, 1, 1]
    for start in stride(from: 0, to: stream.count, by: 7_000) {
      call.news(.message(Array(stream[start..<min(start + 7_000, stream.count)]), isText: false))
      call.run(100)
    }
    call.news(.message([0, 0, 0], isText: false))
    call.run(2_000)
    journal.finish(call)
  }

  private static func say(_ call: CallPair, _ text: String) {
    call.news(.message(Array(text.utf8), isText: true))
  }

  private static func speak(
    _ call: CallPair, response: String, item: String, milliseconds: Int
  ) {
    say(call, #"{"type":"response.created","response":{"id":"\#(response)"}}"#)
    say(call, delta(tone(milliseconds), response: response, item: item))
    let rest = #""response_id":"\#(response)","item_id":"\#(item)"}"#
    say(call, #"{"type":"response.output_audio.done","output_index":0,"content_index":0,"# + rest)
  }

  private static func delta(_ samples: [Int16], response: String, item: String) -> String {
    #"{"type":"response.output_audio.delta","response_id":"\#(response)","item_id":"\#(item)","#
      + #""output_index":0,"content_index":0,"delta":"\#(Base64.text(samples))"}"#
  }

  /// A tone of 300 Hz, `milliseconds` (a multiple of 20) at 24 kHz.
  private static func tone(_ milliseconds: Int) -> [Int16] {
    var samples = [Int16](repeating: 0, count: 24 * milliseconds)
    var generator = ToneGenerator(hertz: 300, level: -12, rate: .hertz24000)
    unsafe samples.withUnsafeMutableBufferPointer { unsafe generator.fill($0) }
    return samples
  }

  // MARK: - Data channels

  private static func channel(_ journal: CallJournal) throws {
    let call = try CallPair(
      channels: [CallerChannelOptions(label: "chat"), CallerChannelOptions(label: "oai-events")],
      journal: journal, network: { _ in [20] })
    call.run(600)
    call.join()
    call.say(#"{"type":"session.update","event_id":"a","session":{"instructions":"Sing."}}"#, on: 1)
    call.say("nobody listens here", on: 0)
    call.run(200)
    call.say("{", on: 1)
    call.tell(#"{"type":"sing","event_id":"b"}"#)
    _ = call.client.send([0xFF, 1], .binary, onChannel: 1, at: call.now)
    call.collect()
    call.run(200)
    call.say(ChannelTests.update(instructionBytes: 5_000), on: 1)
    call.run(400)
    call.client.closeChannel(1, at: call.now)
    call.collect()
    call.run(300)
    call.client.abortChannels(at: call.now)
    call.collect()
    call.run(500)
    end(call, journal)
    for stream in [0, 5] as [UInt16] {
      journal.title("stream \(stream) is agreed on, and the client waits for the first event")
      let agreed = try CallPair(
        setup: .active, channels: [NegotiatedChannelTests.negotiated(stream)], journal: journal,
        network: { _ in [20] })
      agreed.run(900)
      agreed.say(NegotiatedChannelTests.update)
      agreed.run(200)
      end(agreed, journal)
    }
  }

  static func isVoice(_ datagram: CallPair.Datagram) -> Bool {
    datagram.bytes[0] >= 128 && !(192...223).contains(datagram.bytes[1])
  }
}
