import Wire

/// What a receiver tells of every packet of a transport
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1): which came, and when.
package struct TransportFeedback: Hashable, Sendable, BitwiseCopyable {
  /// Who tells it.
  package var sender: UInt32
  /// The transport-wide number of the first packet that is told about.
  package var firstNumber: UInt16
  /// How many packets in a row it tells about, at most `packetsMax`; it may mean more.
  package var packetCount: Int
  /// Counts these messages, modulo 2^8.
  package var messageNumber: UInt8
  /// The receiver's clock, in microseconds, from which the arrivals count.
  package var referenceMicroseconds: Int64

  /// Where the chunks begin in the datagram, where the deltas begin, and where they end.
  private var chunks: Int
  private var deltas: Int
  private var end: Int

  /// More packets than this one message is not read for: longer than any history here, and a bound
  /// of the work that one datagram can make.
  package static let packetsMax = 512

  /// The fixed part: a common header, two SSRCs, and two words.
  private static let headByteCount = 20

  /// Reads the part of `count` bytes at `offset`, without its padding; nil when its chunks or
  /// deltas reach over its end.
  init?(_ bytes: RawSpan, at offset: Int, count: Int) {
    guard count >= Self.headByteCount else { return nil }
    sender = bytes.u32(at: offset + 4)
    firstNumber = bytes.u16(at: offset + 12)
    let told = Int(bytes.u16(at: offset + 14))
    packetCount = min(told, Self.packetsMax)
    // 24 bits in steps of 64 ms, which the draft gives a sign and libwebrtc lets wrap: read without
    // one, since only differences are of use. The last byte counts these messages.
    referenceMicroseconds = Int64(bytes.u32(at: offset + 16) >> 8) * 64_000
    messageNumber = bytes.u8(at: offset + 19)
    chunks = offset + Self.headByteCount
    end = offset + count
    deltas = chunks
    var left = told
    while left > 0 {
      guard deltas + 2 <= end else { return nil }
      left -= Chunk(bytes.u16(at: deltas)).packetCount
      deltas += 2
    }
  }

  /// Calls `body` for each packet in order, with its transport-wide number and the microsecond of
  /// the receiver's clock at which it came, nil when it has not come. Ends where a delta is
  /// missing.
  package func forEach(of bytes: RawSpan, _ body: (UInt16, Int64?) -> Void) {
    var place = chunks
    var delta = deltas
    var arrival = referenceMicroseconds
    var told = 0
    while told < packetCount {
      let chunk = Chunk(bytes.u16(at: place))
      place += 2
      for index in 0..<min(chunk.packetCount, packetCount - told) {
        let number = firstNumber &+ UInt16(truncatingIfNeeded: told)
        told += 1
        switch chunk.symbol(index) {
        case .small:
          guard delta + 1 <= end else { return }
          arrival += Int64(bytes.u8(at: delta)) * 250
          delta += 1
          body(number, arrival)
        case .large:
          guard delta + 2 <= end else { return }
          arrival += Int64(Int16(bitPattern: bytes.u16(at: delta))) * 250
          delta += 2
          body(number, arrival)
        case .missing: body(number, nil)
        }
      }
    }
  }
}

extension TransportFeedback {
  /// What is told of one packet (section 3.1.1), by the size of its delta.
  private enum Symbol { case missing, small, large }

  /// Sixteen bits about several packets: all alike (section 3.1.3), or each by itself (3.1.4).
  private struct Chunk {
    let bits: UInt16

    init(_ bits: UInt16) { self.bits = bits }

    private var isVector: Bool { bits & 0x8000 != 0 }
    private var hasTwoBits: Bool { bits & 0x4000 != 0 }

    /// How many packets it tells about.
    var packetCount: Int {
      guard isVector else { return Int(bits & 0x1FFF) }
      return hasTwoBits ? 7 : 14
    }

    func symbol(_ index: Int) -> Symbol {
      guard isVector else { return Self.symbol(bits >> 13 & 3) }
      guard hasTwoBits else { return bits >> UInt16(13 - index) & 1 == 1 ? .small : .missing }
      return Self.symbol(bits >> UInt16(12 - 2 * index) & 3)
    }

    /// The fourth value is reserved: libwebrtc means a packet without a time by it.
    private static func symbol(_ bits: UInt16) -> Symbol {
      switch bits {
      case 1: .small
      case 2: .large
      default: .missing
      }
    }
  }
}
