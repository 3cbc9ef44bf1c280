import Dtls
import Testing
import Wire

/// Datagrams of every length and with any byte changed, at every moment: nothing traps, and the
/// handshake goes on.
@Suite struct SweepTests {
  @Test(arguments: [LossyWire.End.a, .b], [1200, 300])
  func everyBeginningOfEveryDatagram(victim: LossyWire.End, mtu: Int) throws {
    let wire = try makePair { $0.mtu = mtu }
    wire.tamper = { datagram in
      guard datagram.to == victim else { return [datagram.bytes] }
      return (0...datagram.bytes.count).map { Array(datagram.bytes.prefix($0)) }
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
    #expect(wire.elapsedMilliseconds < 10)
    #expect(wire.endpoint(victim).counters.malformed > 300)
    #expect(wire.endpoint(victim).counters.restarts == 0)
  }

  @Test(arguments: [LossyWire.End.a, .b])
  func everyEndOfEveryDatagram(victim: LossyWire.End) throws {
    let wire = try makePair()
    wire.tamper = { datagram in
      guard datagram.to == victim else { return [datagram.bytes] }
      return (0...datagram.bytes.count).reversed().map { Array(datagram.bytes.suffix($0)) }
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
  }

  /// Copies with a few bytes changed come before each datagram of the first flight, as from
  /// somebody who listens in and is quicker.
  @Test(arguments: 1...50) func changedCopies(seed: UInt64) throws {
    for victim in [LossyWire.End.a, .b] {
      var random = SeededRandom(seed: seed)
      let wire = try makePair(seed: seed) { $0.mtu = seed % 2 == 0 ? 1200 : 300 }
      var copies = 12
      wire.tamper = { datagram in
        // A forged but sound ClientHello that comes first wins against any DTLS server: that is why
        // a session of ours is the client whenever the offer lets it.
        guard datagram.to == victim, copies > 0, datagram.bytes[13] != 1 else {
          return [datagram.bytes]
        }
        copies -= 4
        return (0..<4).map { _ in Self.changed(datagram.bytes, &random) } + [datagram.bytes]
      }
      wire.startBoth()
      wire.run()
      #expect(
        wire.isConnected,
        "\(victim): \(wire.a.state) \(wire.b.state) \(wire.a.counters) \(wire.b.counters)")
      #expect(wire.elapsedMilliseconds < 2_000)
    }
  }

  private static func changed(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var copy = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      copy[Int.random(in: 0..<copy.count, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
    }
    return copy
  }

  @Test func noiseAfterTheHandshakeChangesNothing() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    var random = SeededRandom(seed: 8)
    for _ in 0..<2_000 {
      let count = Int.random(in: 0...200, using: &random)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      if count > 13, Bool.random(using: &random) {
        bytes.replaceSubrange(
          0..<5, with: [UInt8.random(in: 20...23, using: &random), 0xFE, 0xFD, 0, 1])
        bytes.replaceSubrange(11..<13, with: [0, UInt8(count - 13)])
      }
      wire.inject(bytes, to: .b)
    }
    #expect(wire.isConnected)
    #expect(wire.a.send([1]))
    wire.collect()
    wire.run(untilMilliseconds: 1_000, stopWhenConnected: false)
    #expect(wire.b.applicationData() == [[1]])
  }
}
