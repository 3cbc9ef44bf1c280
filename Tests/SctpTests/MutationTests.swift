import Sctp
import Testing
import Wire

/// Conversations of two ends, with packets changed on their way and made right again in their
/// checksum. Nothing may trap, everything kept keeps its bound, every packet is counted once.
@Suite("SCTP: a seeded fuzzer")
struct MutationTests {
  private struct Mutator {
    var random: SeededRandom
    var seen: [[UInt8]] = []

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    mutating func mutate(_ packet: [UInt8]) -> [UInt8] {
      if seen.count < 64 { seen.append(packet) } else { seen[below(64)] = packet }
      var bytes = packet
      for _ in 0...below(3) {
        guard bytes.count > 16 else { break }
        // The tag stays, or hardly anything would be looked at.
        let place = 12 + below(bytes.count - 12)
        switch below(9) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = UInt8(below(256))
        case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][below(5)]
        case 3: bytes = Array(bytes[..<place])
        case 4:
          bytes.insert(
            contentsOf: MutationTests.pool[below(4_000)...].prefix(4 * (1 + below(4))), at: place)
        case 5: bytes.removeSubrange(place..<min(bytes.count, place + 4))
        case 6: bytes[12] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 14, 130, 192][below(14)]
        case 7: bytes += seen[below(seen.count)].dropFirst(12)
        default: splice(&bytes, place)
        }
      }
      return below(20) == 0 ? bytes : withChecksum(bytes)
    }

    /// A number of four bytes becomes one near another that was seen.
    private mutating func splice(_ bytes: inout [UInt8], _ place: Int) {
      let other = seen[below(seen.count)]
      guard other.count >= 20, place + 4 <= bytes.count else { return }
      let from = 4 + below(other.count - 8)
      let value = word(other, at: from) &+ UInt32(truncatingIfNeeded: below(9) - 4)
      bytes.replaceSubrange(place..<place + 4, with: words(value))
    }
  }

  /// Bytes to take from: making them anew for each message would be most of the time.
  fileprivate static let pool = pattern(4_096, seed: 1)

  private static func some(_ count: Int) -> [UInt8] { Array(pool[..<count]) }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func conversations(seed: UInt64) {
    var mutator = Mutator(random: SeededRandom(seed: seed))
    var mutated = 0
    var given: UInt64 = 0
    var counted: UInt64 = 0
    for round in 0..<12 as Range<UInt64> {
      let wire = SctpWire(seed: seed << 8 | round)
      wire.tamper = { _, _, packet in
        // A copy beside the packet itself, so that the conversation goes on; sometimes without.
        var copies: [[UInt8]] = mutator.below(8) == 0 ? [] : [packet]
        for _ in 0..<mutator.below(4) {
          copies.append(mutator.mutate(packet))
          mutated += 1
        }
        given += UInt64(copies.count)
        return copies
      }
      wire.connect(round % 2 == 0 ? [.a, .b] : [.a])
      _ = wire.a.open(label: "a".utf8)
      _ = wire.b.open(label: "b".utf8, isOrdered: false, reliability: .retransmissions(1))
      _ = wire.b.open(label: "c".utf8, reliability: .lifetimeMilliseconds(50))
      for index in 0..<40 {
        for end in wire.ends {
          for stream in 0..<4 as Range<UInt16> {
            let size = index % 9 == 0 ? 4_000 : 30
            _ = end.send(Self.some(size), on: stream, kind: .text, at: wire.now)
          }
        }
        if index == 20 { wire.a.close(1) }
        if index == 30 { _ = wire.b.open(label: "d".utf8) }
        wire.run(forMilliseconds: 40)
      }
      if round % 3 == 0 { wire.a.shutDown() } else { wire.b.abort() }
      wire.run(forMilliseconds: 2_000)
      counted += wire.ends.reduce(0) { $0 + $1.figures.packets.total }
      #expect(wire.heldBytesMax <= 524_288 + 9_000)
    }
    #expect(mutated > 1_000)
    // All but those that were still on their way.
    #expect(counted <= given && counted + 1_000 > given)
  }

  /// Chunks of every type, changed and strewn into an association; when it ends, the next begins.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func strewnChunks(seed: UInt64) {
    var mutator = Mutator(random: SeededRandom(seed: seed ^ 0xABCD))
    var given: UInt64 = 0
    var accepted: UInt64 = 0
    var ends: Set<SctpLoss> = []
    while given < 10_000 {
      let peer = HandPeer(seed: given)
      peer.connect()
      var packets = 2 as UInt64
      while packets < 1_500, peer.events.loss == nil {
        let chunks = (0...mutator.below(3)).map { _ in Self.someChunk(peer, &mutator) }
        let whole = packet(tag: peer.theirTag, Array(chunks.joined()))
        peer.give(raw: mutator.below(3) == 0 ? whole : mutator.mutate(whole))
        if mutator.below(50) == 0 { peer.wait(milliseconds: UInt64(mutator.below(1_000))) }
        packets += 1
        for stream in 0..<3 as Range<UInt16> where mutator.below(20) == 0 {
          _ = peer.association.send(
            Self.some(mutator.below(3_000)), on: stream, kind: .text, at: peer.now)
        }
        let figures = peer.association.figures
        guard figures.receiveBufferBytes <= 524_288, figures.sendBufferBytes <= 524_288,
          figures.channels <= 64, figures.packets.total == packets
        else {
          Issue.record("a bound is broken: \(figures)")
          return
        }
        peer.replies.removeFirst(max(0, peer.replies.count - 100))
        peer.events = peer.events.filter { if case .associationLost = $0 { true } else { false } }
      }
      if let loss = peer.events.loss { ends.insert(loss) }
      given += packets
      accepted += peer.association.figures.packets.accepted
    }
    #expect(accepted > given / 4)
    #expect(!ends.isEmpty)
  }

  /// A chunk that means something here and now, or nearly.
  private static func someChunk(_ peer: HandPeer, _ mutator: inout Mutator) -> [UInt8] {
    let near = UInt32(truncatingIfNeeded: mutator.below(12) - 4)
    let stream = UInt16(mutator.below(4))
    switch mutator.below(12) {
    case 0: return peer.open(stream: stream)
    case 1, 2, 3:
      let bytes = some(1 + mutator.below(200))
      let flags = UInt8(mutator.below(16))
      let sequence = UInt16(mutator.below(6))
      return peer.data(stream: stream, sequence: sequence, flags: flags, bytes)
    case 4:
      return peer.data(
        stream: stream, sequence: 0, flags: 3, tsn: peer.tsn &+ near, some(50))
    case 5, 6:
      let sent = peer.last(0).map { word($0, at: 0) } ?? peer.theirTsn
      return chunk(3, words(sent &+ near, UInt32(mutator.below(100_000)), 0x0001_0000, 0x0002_0003))
    case 7: return chunk(192, words(peer.tsn &+ near, UInt32(stream) << 16 | near & 0xFF))
    case 8:
      let request = [0, 13, 0, 18] + words(1_000 &+ near, 0, peer.tsn &- 1)
      return chunk(130, request + [0, UInt8(stream)])
    case 9:
      let request = peer.last(130).flatMap { $0.count >= 8 ? word($0, at: 4) : nil } ?? 0
      return chunk(130, [0, 16, 0, 12] + words(request, UInt32(mutator.below(7))))
    // A HEARTBEAT, now and then an ABORT.
    case 10: return chunk(mutator.below(200) == 0 ? 6 : 4, [0, 1, 0, 8, 1, 2, 3, 4])
    default: return chunk([5, 9, 10, 11, 64, 192, 255][mutator.below(7)], some(40))
    }
  }
}
