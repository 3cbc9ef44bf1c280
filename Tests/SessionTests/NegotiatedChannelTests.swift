import CallClient
import Sctp
import Session
import Testing

/// Events as binary messages, and on channels of which the client says nothing.
@Suite("Data channels: binary events and channels without DCEP")
struct NegotiatedChannelTests {
  static let update = #"{"type":"session.update","session":{"instructions":"Sing."}}"#

  static func negotiated(_ stream: UInt16) -> CallerChannelOptions {
    var channel = CallerChannelOptions(label: "oai-events")
    channel.negotiatedStream = stream
    return channel
  }

  private func opened(_ call: CallPair) -> [String] {
    call.events.compactMap { if case .channelOpened(let label, _) = $0 { label } else { nil } }
  }

  @Test("an event may come as a binary message; what is no JSON in UTF-8 gets an error")
  func binary() throws {
    let call = try ChannelTests.call()
    _ = call.client.send(Array(Self.update.utf8), .binary, onChannel: 0, at: call.now)
    call.run(500)
    #expect(call.types() == ["session.created", "session.updated"])
    for bytes in [[1, 2, 3], [], Array(#"{"type":"\u{FF}"#.utf8) + [0xFF], [0xC3, 0x28]] {
      let before = call.types().count
      _ = call.client.send(bytes, .binary, onChannel: 0, at: call.now)
      call.run(500) { call.types().count > before }
      #expect(call.types().last == "error")
      #expect(call.texts().last?.contains(#""code":"invalid_json""#) == true)
    }
    #expect(call.session.figures.channels?.messagesIgnored == 0)
  }

  @Test("who speaks first on a negotiated channel is answered there", arguments: [0, 1, 5, 1_000])
  func speaksFirst(stream: UInt16) throws {
    let call = try CallPair(channels: [Self.negotiated(stream)], network: { _ in [20] })
    call.run(5_000) { call.isConnected }
    call.run(100)
    call.say(Self.update)
    call.run(300)
    #expect(call.types() == ["session.created", "session.updated"])
    #expect(opened(call) == ["(negotiated, id \(stream))"])
    #expect(call.session.figures.channels?.opened == 1)
    // And what the session says by itself comes there too.
    call.run(1_000)
    call.tell(Self.update)
    call.run(300)
    #expect(call.types() == ["session.created", "session.updated", "session.updated"])
  }

  @Test("who waits on stream 0 hears the first event there, and may then speak")
  func waits() throws {
    let call = try CallPair(channels: [Self.negotiated(0)], network: { _ in [20] })
    call.run(5_000) { call.types() == ["session.created"] }
    #expect(call.types() == ["session.created"])
    #expect(call.elapsedMilliseconds < 1_000)
    #expect(opened(call).isEmpty, "nobody knows yet whether the client has such a channel")
    call.say(Self.update)
    call.run(500)
    #expect(call.types() == ["session.created", "session.updated"])
    #expect(opened(call) == ["(negotiated, id 0)"])
    #expect(call.session.figures.channels?.opened == 1)
  }

  @Test(
    "a channel that opens late has the events in place of the assumed one",
    arguments: [false, true])
  func late(isOnStreamZero: Bool) throws {
    // The announcement is lost again and again; all else arrives.
    var isBlocked = true
    let setup: CallClientOptions.Setup = isOnStreamZero ? .active : .actpass
    let call = try CallPair(setup: setup, channels: [ChannelTests.events]) { datagram in
      let isOpen = datagram.way == .up && datagram.bytes[0] == 23 && datagram.bytes.count > 100
      return isOpen && isBlocked && datagram.index > 10 ? [] : [20]
    }
    call.run(2_000)
    isBlocked = false
    call.run(20_000) { !call.types().isEmpty }
    call.say(Self.update)
    call.run(2_000)
    #expect(call.types().suffix(2) == ["session.created", "session.updated"])
    #expect(opened(call) == ["oai-events"])
    #expect(call.session.figures.channels?.opened == 1)
  }

  @Test("a negotiated channel beside an announced one is heard by nobody")
  func second() throws {
    let call = try CallPair(channels: [ChannelTests.events, Self.negotiated(7)])
    call.run(1_000)
    call.say(Self.update, on: 1)
    call.run(500)
    #expect(call.types(0) == ["session.created"])
    #expect(call.types(1).isEmpty)
    #expect(call.session.figures.channels?.messagesIgnored == 1)
  }

  @Test("a negotiated channel that the client closes is left")
  func closes() throws {
    let call = try CallPair(channels: [Self.negotiated(0)])
    call.run(5_000) { call.types() == ["session.created"] }
    call.client.closeChannel(at: call.now)
    call.collect()
    call.run(2_000)
    #expect(call.heard.contains(.closed(0)))
    #expect(call.session.figures.channels?.association?.channels == 0)
    #expect(call.session.end == nil)
  }
}
