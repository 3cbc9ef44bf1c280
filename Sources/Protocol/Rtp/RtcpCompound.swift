import Wire

/// Why bytes are not a compound RTCP packet.
package enum RtcpDefect: UInt8, Hashable, Sendable, CaseIterable {
  /// Nothing there, not a multiple of four, or longer than any datagram.
  case length
  /// A part whose version is not 2.
  case version
  /// A part that reaches over the end, or is shorter than its type and count ask for.
  case partLength
  /// A padding count of 0, or one that does not fit.
  case padding
}

/// Up to 31 report blocks inside a datagram.
package struct ReportBlocks: Hashable, Sendable, BitwiseCopyable {
  var offset: Int
  /// 0...31, as the part's five bits say; parsing has checked that so many lie inside the part.
  package var count: Int

  /// The block at `index`, 0..<count, of the datagram they were found in.
  package func block(_ index: Int, of bytes: RawSpan) -> ReportBlock {
    precondition(index >= 0 && index < count, "no such report block")
    return ReportBlock(bytes, at: offset + index * ReportBlock.byteCount)
  }
}

/// One part of a compound packet.
package enum RtcpPart: Hashable, Sendable {
  case senderReport(ssrc: UInt32, info: SenderInfo, blocks: ReportBlocks)
  case receiverReport(ssrc: UInt32, blocks: ReportBlocks)
  /// The chunks are bounded by the part and not looked into: a CNAME decides nothing here.
  case sourceDescription
  /// The first source that leaves; nil when the part names none.
  case goodbye(ssrc: UInt32?)
  /// A generic NACK (RFC 4585, section 6.2.1).
  case nack(GenericNack)
  /// What came of the packets with transport-wide numbers.
  case transportFeedback(TransportFeedback)
  /// Anything else: payload feedback, extended reports, application packets.
  case other(type: UInt8)
}

/// The packets that a receiver misses, by the feedback control information of a generic NACK.
package struct GenericNack: Hashable, Sendable, BitwiseCopyable {
  /// Who asks.
  package var sender: UInt32
  /// Whose packets are missed.
  package var media: UInt32
  var offset: Int
  var count: Int

  /// Calls `body` with each sequence number that is asked for, at most `limit` of them.
  ///
  /// One entry names up to 17 numbers, and a datagram holds hundreds of entries: the bound keeps
  /// one datagram from asking for more work than a history can answer.
  package func forEach(of bytes: RawSpan, limit: Int, _ body: (UInt16) -> Void) {
    var left = limit
    for index in 0..<count {
      let first = bytes.u16(at: offset + 4 * index)
      let following = bytes.u16(at: offset + 4 * index + 2)
      for step in 0...16 where step == 0 || following >> (step - 1) & 1 == 1 {
        guard left > 0 else { return }
        left -= 1
        body(first &+ UInt16(step))
      }
    }
  }
}

/// A compound packet whose parts are known to lie inside it (RFC 3550, sections 6.1 and A.2).
///
/// A reduced-size packet (RFC 5506), which need not begin with a report, is taken as well: who
/// sends it has passed SRTCP's authentication.
package struct RtcpCompound: Hashable, Sendable, BitwiseCopyable {
  /// Bytes of the datagram that hold parts.
  package var byteCount: Int

  /// Checks all parts of `bytes`. Allocates nothing.
  package static func parse(_ bytes: RawSpan) -> RtcpParse {
    guard bytes.byteCount >= 4, bytes.byteCount % 4 == 0, bytes.byteCount <= Int(UInt16.max) else {
      return .malformed(.length)
    }
    var offset = 0
    while offset < bytes.byteCount {
      let count = 4 * (Int(bytes.u16(at: offset + 2)) + 1)
      guard count <= bytes.byteCount - offset else { return .malformed(.partLength) }
      if let defect = defect(of: bytes, at: offset, count: count) {
        return .malformed(defect)
      }
      offset += count
    }
    return .compound(RtcpCompound(byteCount: bytes.byteCount))
  }

  /// The part at `offset`, and the offset of the one after it; nil at the end. Begin at 0 and pass
  /// the same bytes that were parsed.
  package func part(of bytes: RawSpan, at offset: Int) -> (part: RtcpPart, next: Int)? {
    precondition(bytes.byteCount == byteCount, "not the bytes that were parsed")
    guard offset < byteCount else { return nil }
    let count = 4 * (Int(bytes.u16(at: offset + 2)) + 1)
    return (Self.read(bytes, at: offset, count: count), offset + count)
  }
}

/// What `RtcpCompound.parse` found.
package enum RtcpParse: Hashable, Sendable {
  case compound(RtcpCompound)
  case malformed(RtcpDefect)
}

extension RtcpCompound {
  /// What is wrong with the part of `count` bytes at `offset`; `count` is inside the datagram.
  ///
  /// Padding may be of any length, in any part: RFC 3550, section 6.4.1, wants a multiple of four
  /// in the last one, and libwebrtc fills its transport feedback up with one to three bytes.
  private static func defect(of bytes: RawSpan, at offset: Int, count: Int) -> RtcpDefect? {
    let first = bytes.u8(at: offset)
    guard first >> 6 == 2 else { return .version }
    var used = count
    if first & 0x20 != 0 {
      let padding = Int(bytes.u8(at: offset + count - 1))
      guard padding > 0, padding <= count - 4 else { return .padding }
      used -= padding
    }
    return used < leastByteCount(type: bytes.u8(at: offset + 1), items: Int(first & 0x1F))
      ? .partLength : nil
  }

  /// Bytes that a part of `type` with `items` in its count field needs at least.
  private static func leastByteCount(type: UInt8, items: Int) -> Int {
    switch type {
    case RtcpType.senderReport: 28 + items * ReportBlock.byteCount
    case RtcpType.receiverReport: 8 + items * ReportBlock.byteCount
    case RtcpType.goodbye: 4 + 4 * items
    case RtcpType.transportFeedback, RtcpType.payloadFeedback: 12
    default: 4
    }
  }

  private static func read(_ bytes: RawSpan, at offset: Int, count: Int) -> RtcpPart {
    let items = Int(bytes.u8(at: offset) & 0x1F)
    switch bytes.u8(at: offset + 1) {
    case RtcpType.senderReport:
      return .senderReport(
        ssrc: bytes.u32(at: offset + 4), info: senderInfo(bytes, at: offset + 8),
        blocks: ReportBlocks(offset: offset + 28, count: items))
    case RtcpType.receiverReport:
      return .receiverReport(
        ssrc: bytes.u32(at: offset + 4), blocks: ReportBlocks(offset: offset + 8, count: items))
    case RtcpType.sourceDescription:
      return .sourceDescription
    case RtcpType.goodbye:
      return .goodbye(ssrc: items > 0 ? bytes.u32(at: offset + 4) : nil)
    case RtcpType.transportFeedback where items == 1:
      return .nack(nack(bytes, at: offset, count: count))
    case RtcpType.transportFeedback where items == 15:
      let used = unpaddedByteCount(bytes, at: offset, count: count)
      return TransportFeedback(bytes, at: offset, count: used).map { .transportFeedback($0) }
        ?? .other(type: RtcpType.transportFeedback)
    case let type:
      return .other(type: type)
    }
  }

  /// The part's length without its padding.
  private static func unpaddedByteCount(_ bytes: RawSpan, at offset: Int, count: Int) -> Int {
    let isPadded = bytes.u8(at: offset) & 0x20 != 0
    return isPadded ? count - Int(bytes.u8(at: offset + count - 1)) : count
  }

  private static func senderInfo(_ bytes: RawSpan, at offset: Int) -> SenderInfo {
    SenderInfo(
      ntpTime: bytes.u64(at: offset), rtpTime: bytes.u32(at: offset + 8),
      packetCount: bytes.u32(at: offset + 12), octetCount: bytes.u32(at: offset + 16))
  }

  private static func nack(_ bytes: RawSpan, at offset: Int, count: Int) -> GenericNack {
    let used = unpaddedByteCount(bytes, at: offset, count: count)
    return GenericNack(
      sender: bytes.u32(at: offset + 4), media: bytes.u32(at: offset + 8),
      offset: offset + 12, count: (used - 12) / 4)
  }
}
