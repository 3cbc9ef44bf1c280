import Sctp
import Testing
import Wire

@Suite("SCTP: channels close, associations end")
struct ClosingTests {
  private func wire(seed: UInt64, channels: Int = 1) -> SctpWire {
    let wire = SctpWire(seed: seed)
    for index in 0..<channels { _ = wire.a.open(label: "\(index)".utf8) }
    #expect(wire.connect())
    wire.run { wire.events.allSatisfy { $0.opened.count == channels } }
    return wire
  }

  /// What was sent before `close` arrives; both ends hear of the end; the ID serves again.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func closeAndOpenAgain(seed: UInt64) {
    let wire = wire(seed: seed)
    LossTests.spoil(wire, seed: seed, lossPercent: seed == 0 ? 0 : 15)
    for round in 1...4 {
      let stream = wire.events[0].opened.last?.stream ?? 99
      for _ in 0..<5 { _ = wire.a.send("\(round)".utf8, on: stream, kind: .text, at: wire.now) }
      let closer = round % 2 == 0 ? wire.a : wire.b
      wire.run { wire.events[1].messages.count == 5 * round }
      closer.close(stream)
      #expect(closer.send("late".utf8, on: stream, kind: .text, at: wire.now) == .noChannel)
      wire.run { wire.events.allSatisfy { $0.closed.count == round } }
      wire.run { wire.ends.allSatisfy { $0.figures.channels == 0 } }
      #expect(wire.ends.allSatisfy { $0.figures.channels == 0 })
      _ = wire.a.open(label: "again".utf8)
      wire.run { wire.events.allSatisfy { $0.opened.count == round + 1 } }
    }
    #expect(wire.events.allSatisfy { $0.loss == nil })
    #expect(wire.events[1].texts == (1...4).flatMap { [String](repeating: "\($0)", count: 5) })
  }

  @Test func bothCloseAtOnce() {
    let wire = wire(seed: 3)
    wire.a.close(0)
    wire.b.close(0)
    wire.run { wire.ends.allSatisfy { $0.figures.channels == 0 } }
    #expect(wire.events.map(\.closed) == [[0], [0]])
  }

  @Test func moreChannelsThanAllowed() {
    let wire = SctpWire(seed: 4) { parameters, end in
      if end == .b { parameters.channelCountMax = 8 }
    }
    for index in 0..<20 {
      #expect(wire.a.open(label: "\(index)".utf8) == .opening(stream: UInt16(2 * index)))
    }
    #expect(wire.connect())
    wire.run { wire.events[0].closed.count == 12 }
    #expect(wire.events[1].opened.count == 8)
    #expect(wire.events[0].opened.count == 8)
    #expect(wire.b.figures.channelsRefused == 12)
    wire.run { wire.a.figures.channels == 8 }
    #expect(wire.a.figures.channels == 8)
    #expect(wire.ends.allSatisfy { $0.isUp })
  }

  @Test func ourOwnLimit() {
    let wire = wire(seed: 5, channels: 64)
    #expect(wire.a.open(label: "65".utf8) == .tooManyChannels)
    #expect(wire.b.open(label: "65".utf8) == .tooManyChannels)
    wire.a.close(6)
    wire.run { wire.ends.allSatisfy { $0.figures.channels == 63 } }
    #expect(wire.b.open(label: "65".utf8) == .opening(stream: 1))
    wire.run { wire.events[0].opened.count == 65 }
    #expect(wire.events[0].opened.last?.stream == 1)
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func shutDown(seed: UInt64) {
    let wire = wire(seed: seed)
    LossTests.spoil(wire, seed: seed, lossPercent: seed == 0 ? 0 : 20)
    for index in 0..<10 { _ = wire.a.send("\(index)".utf8, on: 0, kind: .text, at: wire.now) }
    wire.a.shutDown()
    if seed % 3 == 0 { wire.b.shutDown() }
    #expect(wire.a.send("late".utf8, on: 0, kind: .text, at: wire.now) == .ended)
    wire.run { wire.events.allSatisfy { $0.loss != nil } }
    #expect(wire.events[1].texts == (0..<10).map { "\($0)" })
    // Whose last packet is lost gives up later, and says so.
    for events in wire.events { #expect([.shutDown, .peerUnreachable].contains(events.loss)) }
    #expect(wire.events.contains { $0.loss == .shutDown })
  }

  @Test func abort() {
    let wire = wire(seed: 6)
    wire.a.abort()
    wire.run { wire.events[1].loss != nil }
    #expect(wire.events[0].loss == .aborted)
    #expect(wire.events[1].loss == .abortedByPeer(cause: 12))
    #expect(wire.inject(wire.sent[0].bytes, to: .a) == .ended)
    #expect(wire.ends.allSatisfy { $0.deadline == .never })
  }
}
