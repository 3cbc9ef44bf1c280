import Sctp
import Testing
import Wire

@Suite("SCTP: loss, reordering, duplication")
struct LossTests {
  /// A network by the seed: each packet is lost, doubled or late, each with its own probability.
  static func spoil(_ wire: SctpWire, seed: UInt64, lossPercent: Int, isLate: Bool = true) {
    var random = SeededRandom(seed: seed)
    wire.tamper = { _, _, packet in
      if Int.random(in: 0..<100, using: &random) < lossPercent { return [] }
      return Int.random(in: 0..<100, using: &random) < 5 ? [packet, packet] : [packet]
    }
    var delays = SeededRandom(seed: seed &+ 1)
    wire.delayMilliseconds = {
      isLate && Int.random(in: 0..<10, using: &delays) == 0
        ? UInt64.random(in: 5..<80, using: &delays) : 5
    }
  }

  /// Two ends that are up, with channels that one of them has opened.
  static func wire(seed: UInt64, channels: [String]) -> SctpWire {
    let wire = SctpWire(seed: seed)
    for label in channels { _ = wire.a.open(label: label.utf8) }
    #expect(wire.connect())
    wire.run { wire.events[0].opened.count == channels.count }
    return wire
  }

  /// The next packet that begins with DATA does not arrive.
  static func loseTheNextMessage(to end: SctpWire.End, of wire: SctpWire) {
    var isLost = false
    wire.tamper = { to, _, packet in
      guard to == end, !isLost, packet[12] == 0 else { return [packet] }
      isLost = true
      return []
    }
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func everyMessageOnceAndInOrder(seed: UInt64) {
    let wire = SctpWire(seed: seed)
    Self.spoil(wire, seed: seed, lossPercent: Int(seed % 4) * 8)
    #expect(wire.connect([.a, .b]))
    _ = wire.a.open(label: "ordered".utf8)
    _ = wire.b.open(label: "unordered".utf8, isOrdered: false)
    wire.run(forMilliseconds: 30_000) {
      wire.events[0].opened.count == 2 && wire.events[1].opened.count == 2
    }
    let count = 120
    for index in 0..<count {
      let size = index % 7 == 0 ? 5_000 : index
      let bytes = [UInt8(index)] + pattern(size, seed: UInt64(index))
      for end in wire.ends {
        #expect(end.send(bytes, on: 0, kind: .binary, at: wire.now) == .queued)
        #expect(end.send(bytes, on: 1, kind: .binary, at: wire.now) == .queued)
      }
      if index % 10 == 0 { wire.run(forMilliseconds: 20) }
    }
    wire.run { wire.events.allSatisfy { $0.messages.count == 2 * count } }
    for events in wire.events {
      #expect(events.loss == nil)
      let ordered = events.messages.filter { $0.stream == 0 }.map(\.bytes)
      let unordered = events.messages.filter { $0.stream == 1 }.map(\.bytes)
      #expect(ordered.map { $0[0] } == (0..<count).map { UInt8($0) })
      #expect(Set(unordered.map { $0[0] }).count == count)
      for bytes in ordered + unordered {
        #expect(Array(bytes.dropFirst()) == pattern(bytes.count - 1, seed: UInt64(bytes[0])))
      }
    }
    let verdicts = wire.ends.map(\.figures.packets)
    for counters in verdicts { #expect(counters.accepted == counters.total) }
  }

  /// 256 KiB each way at once under 5 % loss.
  @Test(arguments: 0..<6 as Range<UInt64>)
  func largeMessages(seed: UInt64) {
    let wire = Self.wire(seed: seed, channels: ["large"])
    Self.spoil(wire, seed: seed, lossPercent: 5)
    let messages = [pattern(262_144, seed: seed), pattern(262_144, seed: seed + 100)]
    for (end, message) in zip(wire.ends, messages) {
      #expect(end.send(message, on: 0, kind: .binary, at: wire.now) == .queued)
    }
    let start = wire.now
    wire.run { wire.events.allSatisfy { $0.messages.count == 1 } }
    #expect(wire.events[0].messages.first?.bytes == messages[1])
    #expect(wire.events[1].messages.first?.bytes == messages[0])
    // 230 packets at 10 ms a round trip; the rest is what loss costs.
    #expect(wire.now.milliseconds(since: start) < 20_000)
    #expect(wire.heldBytesMax <= 524_288)
  }

  /// Nothing is lost: the window grows with each round trip, not by a packet each.
  @Test func aLargeMessageTakesFewRoundTrips() {
    let wire = Self.wire(seed: 15, channels: ["large"])
    wire.delayMilliseconds = { 50 }
    let start = wire.now
    #expect(
      wire.a.send(pattern(262_144, seed: 15), on: 0, kind: .binary, at: wire.now) == .queued)
    wire.run { wire.events[1].messages.count == 1 }
    #expect(wire.now.milliseconds(since: start) <= 1_200)
    #expect(wire.a.figures.retransmissions == 0)
  }

  /// A lost packet of an ordered channel holds nothing up on another.
  @Test func channelsDoNotWaitForEachOther() {
    let wire = Self.wire(seed: 9, channels: ["one", "two"])
    Self.loseTheNextMessage(to: .b, of: wire)
    _ = wire.a.send("lost".utf8, on: 0, kind: .text, at: wire.now)
    wire.collect()
    _ = wire.a.send("passes".utf8, on: 2, kind: .text, at: wire.now)
    wire.run(forMilliseconds: 20) { wire.events[1].messages.count == 1 }
    #expect(wire.events[1].texts == ["passes"])
    wire.run(forMilliseconds: 1_000) { wire.events[1].messages.count == 2 }
    #expect(wire.events[1].texts == ["passes", "lost"])
  }

  /// Three packets behind a lost one bring it back without the timer.
  @Test func fastRetransmission() {
    let wire = Self.wire(seed: 10, channels: ["x"])
    Self.loseTheNextMessage(to: .b, of: wire)
    let start = wire.now
    for index in 0..<5 {
      _ = wire.a.send("\(index)".utf8, on: 0, kind: .text, at: wire.now)
      wire.collect()
    }
    wire.run { wire.events[1].messages.count == 5 }
    #expect(wire.events[1].texts == ["0", "1", "2", "3", "4"])
    #expect(wire.now.milliseconds(since: start) < 50)
    #expect(wire.a.figures.retransmissions == 1)
  }

  /// The last message of all has nothing behind it: the timer brings it back, soon.
  @Test func theTimerBringsBackTheLastMessage() {
    let wire = Self.wire(seed: 11, channels: ["x"])
    Self.loseTheNextMessage(to: .b, of: wire)
    let start = wire.now
    _ = wire.a.send("last".utf8, on: 0, kind: .text, at: wire.now)
    wire.run { wire.events[1].messages.count == 1 }
    #expect(wire.now.milliseconds(since: start) <= 210)
  }

  /// Many packets are out when the network goes away for a while; what is sent again is found
  /// without looking through the rest for each packet.
  @Test func aWholeWindowIsFoundAgainInOneGo() {
    let wire = Self.wire(seed: 14, channels: ["x"])
    let message = pattern(230_000, seed: 14)
    for _ in 0..<2 {
      #expect(wire.a.send(message, on: 0, kind: .binary, at: wire.now) == .queued)
    }
    wire.run { wire.a.figures.congestionWindowBytes > 60_000 }
    // What is acknowledged meanwhile lets more out, which is lost as well.
    wire.tamper = { to, _, packet in to == .b ? [] : [packet] }
    wire.run(forMilliseconds: 3_000)
    wire.tamper = { [$2] }
    wire.run { wire.events[1].messages.count == 2 }
    #expect(wire.events[1].messages.allSatisfy { $0.bytes == message })
    let figures = wire.a.figures
    #expect(figures.retransmissions > 50)
    #expect(figures.looksForLosses <= 3 * figures.retransmissions, "\(figures)")
  }

  @Test func aPeerThatVanishesIsLost() {
    let wire = Self.wire(seed: 12, channels: ["x"])
    wire.tamper = { _, _, _ in [] }
    _ = wire.a.send("into the void".utf8, on: 0, kind: .text, at: wire.now)
    wire.run(forMilliseconds: 1_000_000) {
      wire.events[0].loss != nil && wire.events[1].loss != nil
    }
    // One by its timer, the other by heartbeats.
    #expect(wire.events[0].loss == .peerUnreachable)
    #expect(wire.events[1].loss == .peerUnreachable)
    #expect(wire.a.deadline == .never)
  }

  @Test func nobodyAnswersInit() {
    let wire = SctpWire(seed: 13)
    wire.tamper = { _, _, _ in [] }
    #expect(!wire.connect())
    #expect(wire.events[0] == [.associationLost(.handshakeTimedOut)])
    #expect(wire.sent.count == 11)
  }
}
