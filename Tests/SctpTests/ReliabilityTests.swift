import Sctp
import Testing
import Wire

@Suite("SCTP: messages that may be given up")
struct ReliabilityTests {
  private func wire(
    seed: UInt64, ordered: Bool, _ reliability: SctpReliability, parity: UInt16 = 0
  ) -> SctpWire {
    let wire = SctpWire(seed: seed)
    _ = wire.a.open(label: "pr".utf8, isOrdered: ordered, reliability: reliability)
    #expect(wire.connect())
    wire.run { wire.events[0].opened.count == 1 }
    #expect(wire.events[1].opened.first?.reliability == reliability)
    #expect(wire.events[1].opened.first?.isOrdered == ordered)
    return wire
  }

  /// No retransmission at all: what is lost stays lost, the rest arrives in order and once.
  @Test(arguments: 0..<20 as Range<UInt64>, [true, false])
  func noRetransmission(seed: UInt64, ordered: Bool) {
    let wire = wire(seed: seed, ordered: ordered, .retransmissions(0))
    LossTests.spoil(wire, seed: seed, lossPercent: 20, isLate: false)
    let count = 100
    for index in 0..<count {
      let bytes = [UInt8(index)] + pattern(index % 10 == 0 ? 3_000 : 50, seed: UInt64(index))
      #expect(wire.a.send(bytes, on: 0, kind: .binary, at: wire.now) == .queued)
      wire.run(forMilliseconds: 20)
    }
    wire.tamper = { [$2] }
    _ = wire.a.send([255], on: 0, kind: .binary, at: wire.now)
    wire.run(forMilliseconds: 60_000) { wire.events[1].messages.last?.bytes == [255] }
    let arrived = wire.events[1].messages.map(\.bytes)
    let numbers = arrived.map { Int($0[0]) }
    #expect(numbers.last == 255)
    #expect(Set(numbers).count == numbers.count)
    if ordered { #expect(numbers == numbers.sorted()) }
    for bytes in arrived where bytes != [255] {
      #expect(Array(bytes.dropFirst()) == pattern(bytes.count - 1, seed: UInt64(bytes[0])))
    }
    let figures = wire.a.figures
    #expect(figures.messagesAbandoned > 0)
    #expect(numbers.count <= count + 1 && numbers.count > count / 3)
    wire.run(forMilliseconds: 2_000)
    #expect(wire.a.figures.sendBufferBytes == 0)
    #expect(wire.events.allSatisfy { $0.loss == nil })
  }

  @Test func aLifetimeEnds() {
    let wire = wire(seed: 1, ordered: true, .lifetimeMilliseconds(300))
    var isDown = true
    wire.tamper = { to, _, packet in to == .b && isDown ? [] : [packet] }
    _ = wire.a.send("old".utf8, on: 0, kind: .text, at: wire.now)
    wire.run(forMilliseconds: 2_000)
    isDown = false
    _ = wire.a.send("new".utf8, on: 0, kind: .text, at: wire.now)
    wire.run { wire.events[1].messages.count > 0 }
    #expect(wire.events[1].texts == ["new"])
    #expect(wire.a.figures.messagesAbandoned == 1)
  }

  /// A message that is given up while only its first half has a TSN: the peer forgets that half.
  @Test func givenUpInTheMiddle() {
    let wire = wire(seed: 2, ordered: true, .lifetimeMilliseconds(100))
    wire.delayMilliseconds = { 60 }
    _ = wire.a.send(pattern(60_000, seed: 1), on: 0, kind: .binary, at: wire.now)
    wire.run(forMilliseconds: 1_500)
    #expect(wire.events[1].messages.isEmpty)
    #expect(wire.b.figures.receiveBufferBytes == 0)
    #expect(wire.a.figures.sendBufferBytes == 0)
    _ = wire.a.send("small".utf8, on: 0, kind: .text, at: wire.now)
    wire.run { wire.events[1].messages.count > 0 }
    #expect(wire.events[1].texts == ["small"])
  }
}
