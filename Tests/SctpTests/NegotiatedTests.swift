import Sctp
import Testing
import Wire

@Suite("SCTP: channels without DCEP")
struct NegotiatedTests {
  private func peer(_ tune: (inout SctpParameters) -> Void = { _ in }) -> HandPeer {
    let peer = HandPeer(tune)
    peer.connect()
    return peer
  }

  @Test func aMessageWithoutAnOpenBeginsAChannel() {
    let peer = peer()
    peer.give(peer.data(stream: 6, sequence: 0, Array("one".utf8)))
    peer.give(peer.data(stream: 6, sequence: 1, protocolID: 53, [7]))
    #expect(peer.events.opened.map(\.stream) == [6])
    #expect(peer.events.opened[0].isNegotiated)
    #expect(peer.events.messages.map(\.bytes) == [Array("one".utf8), [7]])
    #expect(peer.association.send("x".utf8, on: 6, kind: .text, at: peer.now) == .queued)
    #expect(peer.association.figures.channelsNegotiated == 1)
    #expect(peer.association.figures.messagesUnclaimed == 0)
  }

  @Test func whatIsNoMessageOfAChannelBeginsNone() {
    let peer = peer()
    for protocolID: UInt32 in [0, 49, 55, 58, .max] {
      peer.give(peer.data(stream: 2, sequence: 0, protocolID: protocolID, [1]))
    }
    peer.give(peer.data(stream: 2, sequence: 0, protocolID: 50, [2]))
    peer.give(peer.data(stream: .max, sequence: 0, [1]))
    #expect(peer.events.opened.isEmpty)
    #expect(peer.association.figures.messagesUnclaimed == 7)
  }

  /// RFC 8832, section 6, has an end wait for the ACK before it sends out of order; not all do.
  @Test func anOpenBehindItsMessage() {
    let peer = peer()
    peer.give(peer.data(stream: 2, sequence: 0, flags: 7, Array("early".utf8)))
    peer.give(peer.open(stream: 2, label: "late"))
    #expect(peer.events.opened.map(\.label) == [[], Array("late".utf8)])
    #expect(peer.events.opened.map(\.isNegotiated) == [true, false])
    #expect(peer.events.texts == ["early"])
    #expect(peer.association.figures.channels == 1)
    #expect(peer.association.figures.channelsRefused == 0)
    // A second one is one too many.
    peer.give(peer.open(stream: 2))
    #expect(peer.association.figures.channelsRefused == 1)
  }

  @Test func tooManyAreRefusedSoThatThePeerSeesIt() {
    let peer = peer { $0.channelCountMax = 3 }
    for stream: UInt16 in 0..<10 {
      peer.give(peer.data(stream: stream, sequence: 0, [65]))
      peer.give(peer.data(stream: stream, sequence: 1, [66]))
    }
    #expect(peer.events.opened.map(\.stream) == [0, 1, 2])
    #expect(peer.events.messages.count == 6)
    #expect(peer.association.figures.channelsRefused == 7)
    // The first request names the first refused stream; the rest follows its response.
    let request = peer.last(130) ?? []
    #expect(Array(request.suffix(2)) == [0, 3])
    peer.give(chunk(130, [0, 16, 0, 12] + Array(request[4..<8]) + words(1)))
    let second = peer.last(130) ?? []
    #expect(second.suffix(12) == [0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9])
    // The peer's part: its streams start again, and one may serve when there is room.
    peer.association.close(0)
    peer.give(chunk(130, [0, 13, 0, 20] + words(1_000, 0, peer.tsn &- 1) + [0, 3, 0, 0]))
    peer.give(chunk(130, [0, 16, 0, 12] + Array(second[4..<8]) + words(1)))
    let third = peer.last(130) ?? []
    peer.give(chunk(130, [0, 16, 0, 12] + Array(third[4..<8]) + words(1)))
    peer.give(peer.data(stream: 3, sequence: 0, [67]))
    #expect(peer.events.opened.map(\.stream) == [0, 1, 2, 3])
  }

  @Test func whatStillComesOnARefusedStreamBeginsNoChannel() {
    let peer = peer { $0.channelCountMax = 1 }
    peer.give(peer.open(stream: 0))
    peer.give(peer.open(stream: 2))
    #expect(peer.association.figures.channelsRefused == 1)
    let request = peer.last(130) ?? []
    peer.give(chunk(130, [0, 16, 0, 12] + Array(request[4..<8]) + words(1)))
    peer.association.close(0)
    peer.give(peer.data(stream: 2, sequence: 1, [1]))
    #expect(peer.events.opened.map(\.stream) == [0])
    #expect(peer.association.figures.channelsRefused == 1)
    #expect(peer.association.figures.messagesUnclaimed == 1)
  }

  /// Whoever opens thousands gets an answer for as many as any browser can have, and keeps nothing.
  @Test func aFloodOfChannelsIsBounded() {
    let peer = peer()
    for stream in stride(from: UInt16(0), to: 6_000, by: 2) {
      peer.give(peer.data(stream: stream, sequence: 0, [1]))
      _ = peer.association.nextEvent()
    }
    #expect(peer.association.figures.channels == 64)
    #expect(peer.association.figures.channelsRefused == 1_024)
    #expect(peer.association.isUp)
  }

  @Test func bothEndsAgree() {
    let wire = SctpWire(seed: 8)
    #expect(wire.a.openNegotiated(stream: 4) == .opening(stream: 4))
    #expect(wire.connect())
    #expect(wire.b.openNegotiated(stream: 4) == .opening(stream: 4))
    #expect(wire.b.openNegotiated(stream: 4) == .tooManyChannels)
    #expect(wire.a.send("a".utf8, on: 4, kind: .text, at: wire.now) == .queued)
    #expect(wire.b.send("b".utf8, on: 4, kind: .text, at: wire.now) == .queued)
    wire.run { wire.events.allSatisfy { $0.messages.count == 1 } }
    #expect(wire.events.map(\.texts) == [["b"], ["a"]])
    #expect(wire.events.map { $0.opened.count } == [1, 1])
    wire.a.close(4)
    wire.run { wire.ends.allSatisfy { $0.figures.channels == 0 } }
    #expect(wire.events.map(\.closed) == [[4], [4]])
  }
}
