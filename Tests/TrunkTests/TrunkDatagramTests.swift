import Testing
import Trunk
import Wire

@Suite("Trunk datagrams: any bytes at all")
struct TrunkDatagramTests {
  static let whole = bundle([
    Packet(frame: TrunkFrame(listener: 1, client: ipv4), payload: [1, 2, 3]),
    Packet(frame: TrunkFrame(listener: 2, client: ipv6, proven: true), payload: [4, 5]),
    Packet(frame: TrunkFrame(listener: 3, client: ipv4, ended: true), payload: []),
  ])

  @Test func everyLength() {
    // Where frames begin: cut there, the rest is a bundle of fewer frames.
    let borders = [16, 16 + 12, 16 + 12 + 23]
    for length in 0..<Self.whole.count {
      let cut = Array(Self.whole[..<length])
      #expect(open(cut) == (length < 16 ? .short : .forged), "length \(length)")
      #expect(open(cut, nil) == (length < 16 ? .short : .valid(header)), "length \(length)")
      guard length >= 16 else { continue }
      #expect((packets(cut) == nil) == !borders.contains(length), "length \(length)")
    }
  }

  @Test func everyBitIsSigned() {
    for bit in 0..<(Self.whole.count * 8) {
      var changed = Self.whole
      changed[bit / 8] ^= 1 << (bit % 8)
      let verdict = open(changed)
      switch bit / 8 {
      case 0 where bit >= 4: #expect(verdict == .unknownVersion)
      case 0: #expect(verdict == .forged || verdict == .unknownKind)
      default: #expect(verdict == .forged, "bit \(bit)")
      }
    }
    #expect(open(Self.whole + [0]) == .forged)
  }

  @Test func keysMatter() {
    #expect(open(Self.whole, TrunkKey([UInt8](1..<17))) == .forged)
    let unsigned = bundle([], key: nil)
    #expect(open(unsigned) == .forged)
    #expect(open(unsigned, nil) == .valid(header))
  }

  @Test func keysHaveSixteenBytesAndNoText() {
    #expect(TrunkKey([]) == nil)
    #expect(TrunkKey([UInt8](0..<15)) == nil)
    #expect(TrunkKey([UInt8](0..<17)) == nil)
    #expect("\(key)" == "TrunkKey")
    #expect(!String(reflecting: key).contains("k0"))
  }

  @Test func versionsAndKinds() {
    for first in UInt8.min ... .max {
      var changed = bundle([], key: nil)
      changed[0] = first
      switch (first >> 4, first & 15) {
      case (1, 1...2): #expect(open(changed, nil) != .unknownKind)
      case (1, _): #expect(open(changed, nil) == .unknownKind)
      default: #expect(open(changed, nil) == .unknownVersion)
      }
    }
  }

  /// All 65,536 first words of a frame: length, family, flags, the reserved bit, padding.
  @Test func everyFrameWord() {
    var octets = bundle([], key: nil) + [UInt8](repeating: 7, count: 60)
    for word in 0..<0x1_0000 {
      octets[16] = UInt8(word >> 8)
      octets[17] = UInt8(word & 255)
      let headerBytes = word & 0x0800 == 0 ? 9 : 21
      let length = word & 0x7FF
      let step = unsafe TrunkDatagram.nextFrame(octets.span.bytes, at: 16)
      if word & 0x8000 != 0 {
        guard step != .end else { continue }
      } else if word & 0x4000 != 0 || headerBytes + length > 60 {
        guard step != .malformed else { continue }
      } else if case .frame(let frame, let payload) = step,
        payload == ByteRange(offset: 16 + headerBytes, count: length),
        frame.proven == (word & 0x1000 != 0), frame.ended == (word & 0x2000 != 0)
      {
        continue
      }
      Issue.record("word \(word): \(step)")
    }
  }

  /// An IPv4 client must come as one, or it would have two routes.
  @Test func mappedAddressesAreRefused() {
    var octets = bundle(
      [Packet(frame: TrunkFrame(listener: 1, client: ipv6), payload: [])], key: nil)
    octets.replaceSubrange(21..<37, with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1])
    #expect(packets(octets) == nil)
  }

  @Test func offsetsBeyondADatagramAreMalformed() {
    let octets = [UInt8](repeating: 0, count: 70_000)
    for offset in [65_527, 65_535, 65_536, 69_980] {
      let step = unsafe TrunkDatagram.nextFrame(octets.span.bytes, at: offset)
      #expect(step == .malformed)
    }
    #expect(unsafe TrunkDatagram.nextFrame(octets.span.bytes, at: 65_526) != .malformed)
    #expect(unsafe TrunkDatagram.nextFrame(octets.span.bytes, at: 70_000) == .end)
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededRandom(seed: 8)
    for _ in 0..<20_000 {
      var octets = Self.whole
      for _ in 0..<4 {
        octets[Int.random(in: 0..<octets.count, using: &random)] = .random(
          in: .min ... .max, using: &random)
      }
      _ = open(octets, nil)
      _ = packets(octets)
    }
  }
}
