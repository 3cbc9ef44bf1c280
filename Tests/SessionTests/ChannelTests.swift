import Backends
import CallClient
import Sctp
import Session
import Testing
import Wire

@Suite("Data channels of a call")
struct ChannelTests {
  static let events = CallerChannelOptions(label: "oai-events")

  /// A connected call over a network of 20 ms each way.
  static func call(
    _ channels: [CallerChannelOptions] = [events],
    network: @escaping (CallPair.Datagram) -> [UInt64] = { _ in [20] }
  ) throws -> CallPair {
    let call = try CallPair(channels: channels, network: network)
    call.run(10_000) { call.isConnected && call.types().contains("session.created") }
    return call
  }

  static func update(instructionBytes count: Int) -> String {
    let text = String(repeating: "a", count: count)
    return #"{"type":"session.update","session":{"instructions":"\#(text)"}}"#
  }

  @Test("the session is told as the channel opens, and updated within 100 ms of the wish")
  func update() throws {
    let call = try Self.call()
    #expect(call.types() == ["session.created"])
    #expect(call.heard.first == .opened(0))
    #expect(call.elapsedMilliseconds < 400, "ICE, DTLS, SCTP: a few round trips of 40 ms")
    #expect(
      call.events.contains {
        if case .channelOpened("oai-events", _) = $0 { true } else { false }
      })
    call.say(#"{"type":"session.update","session":{"instructions":"Sing."}}"#)
    let asked = call.now
    call.run(5_000) { call.types().count == 2 }
    #expect(call.types().last == "session.updated")
    #expect(call.texts().last?.contains(#""instructions":"Sing.""#) == true)
    #expect(call.now.milliseconds(since: asked) <= 100)
  }

  @Test("what is not understood is answered with an error")
  func garbage() throws {
    let call = try Self.call()
    for text in ["{", "null", #"{"type":"sing"}"#] {
      let before = call.types().count
      call.say(text)
      call.run(1_000) { call.types().count > before }
      #expect(call.types().last == "error")
    }
  }

  @Test("the first channel has the events, whatever its label; others are heard by nobody")
  func others() throws {
    let call = try Self.call([
      CallerChannelOptions(label: "events"), CallerChannelOptions(label: "chat"),
    ])
    call.run(500)
    #expect(call.heard.contains(.opened(1)))
    call.say("hello", on: 1)
    call.say(#"{"type":"session.update","session":{}}"#)
    call.run(500)
    #expect(call.types() == ["session.created", "session.updated"])
    #expect(call.texts(1).isEmpty)
    let figures = try #require(call.session.figures.channels)
    #expect(figures.opened == 2)
    #expect(figures.messagesIgnored == 1)
    #expect(figures.eventsReceived == 1)
    #expect(figures.eventsSent >= 2)
  }

  @Test("a channel with the agreed label takes over from one without")
  func takeOver() throws {
    let call = try Self.call([CallerChannelOptions(label: "chat"), Self.events])
    call.run(500)
    #expect(call.types(1) == ["session.created"])
    call.say(#"{"type":"session.update","session":{}}"#, on: 1)
    call.run(500)
    #expect(call.types(1) == ["session.created", "session.updated"])
    #expect(call.types(0) == ["session.created"])
  }

  @Test("large events both ways, and no datagram grows beyond 1,200 bytes")
  func large() throws {
    let call = try Self.call()
    call.say(Self.update(instructionBytes: 260_000))
    call.run(20_000) { call.types().count == 2 }
    #expect(call.types().last == "session.updated")
    #expect(call.texts().last?.contains(String(repeating: "a", count: 260_000)) == true)
    #expect(call.sent.allSatisfy { $0.bytes.count <= 1_200 })
    #expect(call.client.figures.packetsLost == 0, "the voice has its slots")
  }

  @Test("an event that is longer than the client takes is told of as an error")
  func tooLong() throws {
    let call = try CallPair(
      channels: [Self.events], change: { $0.channels?.peerMessageBytesMax = 65_536 })
    call.run(1_000) { call.types() == ["session.created"] }
    call.say(Self.update(instructionBytes: 66_000))
    call.run(20_000) { call.types().count == 2 }
    #expect(call.types().last == "error")
    #expect(call.texts().last?.contains(#""code":"event_too_long""#) == true)
    #expect(call.texts().last?.contains("65536") == true)
    #expect(call.session.figures.channels?.eventsTooLong == 1)
  }

  @Test("an event of the longest size arrives, a longer one is not sent")
  func longest() throws {
    let call = try Self.call()
    let empty = Self.update(instructionBytes: 0).utf8.count
    call.say(Self.update(instructionBytes: 262_144 - empty))
    call.run(20_000) { call.types().count == 2 }
    #expect(call.texts().last?.contains(#""code":"invalid_session""#) == true)
    #expect(call.session.figures.channels?.eventsReceived == 1)
    #expect(call.say(Self.update(instructionBytes: 262_145 - empty)) == .tooLong)
  }

  @Test("events arrive whole and in order over a network that loses and reorders", arguments: 1...4)
  func losses(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let call = try Self.call { _ in
      Int.random(in: 0..<100, using: &random) < 8
        ? [] : [UInt64.random(in: 10...40, using: &random)]
    }
    for number in 0..<40 {
      call.say(
        #"{"type":"session.update","event_id":"e\#(number)","session":{"n":\#(number)}}"#)
      call.run(50)
    }
    call.say(Self.update(instructionBytes: 100_000))
    call.run(60_000) { call.types().count == 42 }
    #expect(call.types() == ["session.created"] + Array(repeating: "session.updated", count: 41))
    for (number, text) in call.texts().dropFirst().prefix(40).enumerated() {
      #expect(text.contains(#""n":\#(number)}"#) || text.contains(#""n":\#(number),"#))
    }
    #expect(call.session.end == nil)
  }

  @Test("the client's choice of order and reliability is no hindrance")
  func unordered() throws {
    for reliability in [SctpReliability.retransmissions(0), .lifetimeMilliseconds(200)] {
      var channel = Self.events
      channel.isOrdered = false
      channel.reliability = reliability
      let call = try Self.call([channel])
      call.say(#"{"type":"session.update","session":{}}"#)
      call.run(500)
      #expect(call.types() == ["session.created", "session.updated"])
    }
  }

  @Test("who does not read loses the channels, not the call, and does not fill the memory")
  func deaf() throws {
    let call = try Self.call()
    call.readsChannels = false
    for _ in 0..<40 {
      call.say(Self.update(instructionBytes: 50_000))
      call.run(300)
      let held = try #require(call.session.figures.channels?.association)
      #expect(held.sendBufferBytes <= 1 << 20)
    }
    #expect(call.session.figures.channels?.cutOffs == 1)
    #expect(lost(call) == ["the client does not read its events"])
    #expect(voiceGoesOn(call))
    #expect(call.session.figures.channels?.association?.sendBufferBytes == 0)
  }

  /// Whether the client's tone still comes back to it.
  private func voiceGoesOn(_ call: CallPair) -> Bool {
    let before = call.client.figures.tone
    call.run(2_000)
    let after = call.client.figures.tone
    return call.session.end == nil && after.rightWindows >= before.rightWindows + 9
  }

  private func lost(_ call: CallPair) -> [String] {
    call.events.compactMap { if case .channelsLost(let why, _) = $0 { why } else { nil } }
  }

  @Test("an association that the client aborts takes the channels with it, not the voice")
  func aborted() throws {
    let call = try Self.call()
    call.join()
    call.client.abortChannels(at: call.now)
    call.collect()
    call.run(100)
    #expect(lost(call) == ["the client aborted the SCTP association"])
    #expect(voiceGoesOn(call))
    // Events are for who is left, and nothing more is sent by the channels.
    let before = try #require(call.session.figures.channels)
    call.tell(#"{"type":"session.update","session":{}}"#)
    call.run(500)
    let updates = call.actions.filter {
      guard case .toClients(let event) = $0 else { return false }
      return CallPair.type(String(decoding: event.bytes, as: UTF8.self)) == "session.updated"
    }
    #expect(updates.count == 1)
    let after = try #require(call.session.figures.channels)
    #expect(after.eventsSent == before.eventsSent)
    #expect(after.association?.packetsSent == before.association?.packetsSent)
    #expect(after.association?.channels == 0)
    #expect(lost(call).count == 1)
  }

  @Test("an association in which the client falls silent is given up, and the voice goes on")
  func vanished() throws {
    let call = try Self.call()
    // DTLS records of application data; STUN and the voice pass.
    call.network = { $0.way == .up && $0.bytes[0] == 23 ? [] : [1] }
    call.tell(#"{"type":"session.update","session":{}}"#)
    call.run(90_000) { !lost(call).isEmpty }
    #expect(lost(call) == ["the client acknowledges nothing any more"])
    #expect(voiceGoesOn(call))
  }

  @Test("a channel that the client closes is left, and the call goes on")
  func closes() throws {
    let call = try Self.call()
    call.client.closeChannel(at: call.now)
    call.collect()
    call.run(1_000) { call.heard.contains(.closed(0)) }
    #expect(call.heard.contains(.closed(0)))
    call.run(1_000)
    #expect(call.session.end == nil)
    #expect(call.session.figures.channels?.association?.channels == 0)
  }

  @Test("without channels in the offer there is none, and what comes all the same is dropped")
  func none() throws {
    let call = try CallPair()
    call.run(1_000)
    #expect(call.session.figures.channels == nil)
    let bold = try CallPair(channels: [Self.events], change: { $0.channels = nil })
    bold.run(5_000)
    #expect(bold.isConnected)
    #expect(bold.session.figures.channelDataUnexpected > 0)
    #expect(bold.session.figures.channels == nil)
    #expect(bold.heard.isEmpty)
  }

  @Test("the transceiver may be either end of DTLS")
  func roles() throws {
    for setup in [CallClientOptions.Setup.actpass, .active] {
      let call = try CallPair(setup: setup, channels: [Self.events])
      call.run(1_000) { call.types() == ["session.created"] }
      #expect(call.types() == ["session.created"])
    }
  }
}
