import Sctp
import Testing
import Wire

@Suite("SCTP: the handshake")
struct HandshakeTests {
  @Test(arguments: [[SctpWire.End.a], [.b], [.a, .b]])
  func comesUp(starters: [SctpWire.End]) {
    let wire = SctpWire(seed: 1)
    #expect(wire.connect(starters))
    for events in wire.events { #expect(events == [.associationUp]) }
  }

  @Test func aChannelAndMessagesBothWays() {
    let wire = SctpWire(seed: 2)
    let verdict = wire.a.open(label: "oai-events".utf8)
    #expect(verdict == .opening(stream: 0))
    #expect(wire.a.send("before".utf8, on: 0, kind: .text, at: wire.now) == .queued)
    #expect(wire.connect())
    wire.run { wire.events[0].opened.count == 1 && wire.events[1].messages.count == 1 }
    let channel = wire.events[1].opened.first
    #expect(channel?.label == Array("oai-events".utf8))
    #expect(channel?.isOpenedByPeer == true)
    #expect(channel?.isOrdered == true)
    #expect(wire.events[1].texts == ["before"])
    for index in 0..<20 {
      #expect(wire.b.send("b\(index)".utf8, on: 0, kind: .text, at: wire.now) == .queued)
      #expect(wire.a.send([UInt8(index)], on: 0, kind: .binary, at: wire.now) == .queued)
    }
    wire.run { wire.events[0].messages.count == 20 && wire.events[1].messages.count == 21 }
    #expect(wire.events[0].texts == (0..<20).map { "b\($0)" })
    #expect(wire.events[1].messages.dropFirst().map(\.bytes) == (0..<20).map { [UInt8($0)] })
    #expect(wire.events[1].messages.dropFirst().allSatisfy { $0.kind == .binary })
  }

  /// Two round trips: the first message travels with COOKIE ECHO.
  @Test func theFirstMessageNeedsTwoRoundTrips() {
    let wire = SctpWire(seed: 3)
    _ = wire.a.open(label: "x".utf8)
    let start = wire.now
    wire.a.start(at: start)
    wire.run { wire.events[1].opened.count == 1 }
    #expect(wire.now.milliseconds(since: start) == 15)
  }

  @Test(arguments: 0..<12)
  func eachSetUpPacketLost(index: Int) {
    for starters in [[SctpWire.End.a], [.a, .b]] {
      for victim in [SctpWire.End.a, .b] {
        let wire = SctpWire(seed: 4)
        wire.tamper = { to, count, packet in to == victim && count == index ? [] : [packet] }
        _ = wire.a.open(label: "x".utf8)
        #expect(wire.a.send("hello".utf8, on: 0, kind: .text, at: wire.now) == .queued)
        #expect(wire.connect(starters))
        wire.run { wire.events[1].texts == ["hello"] && wire.events[0].opened.count == 1 }
        #expect(wire.events[1].texts == ["hello"])
        #expect(wire.events[0].opened.count == 1)
      }
    }
  }
}
