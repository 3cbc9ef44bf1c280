import Rtp
import Wire

/// Why bytes are not redundant audio that makes sense.
package enum RedDefect: UInt8, Hashable, Sendable, CaseIterable {
  /// The headers or the blocks reach over the end.
  case length
  /// More than `RedPayload.blocksMax` blocks.
  case blockCount
  /// A block is not Opus: another codec, or redundancy inside of redundancy.
  case payloadType
  /// The blocks are not older one by one, or longer than the time between them.
  case timestamp
}

/// An older packet's payload inside a newer packet.
struct RedBlock: Hashable, Sendable, BitwiseCopyable {
  /// How many packets before the one that carries it.
  var packetsBack: UInt16 = 0
  /// How much earlier, in units of the RTP clock: 1...16,383.
  var timestampOffset: UInt32 = 0
  /// Where it is in the datagram; never empty.
  var range = ByteRange(offset: 0, count: 0)
}

/// What `RedPayload.parse` found.
enum RedParse: Sendable {
  case payload(RedPayload)
  case malformed(RedDefect)
}

/// A payload of redundant audio (RFC 2198): the newest block, and before it older ones. Numbers
/// only; nothing of the datagram is kept.
struct RedPayload: Sendable, BitwiseCopyable {
  /// The newest block; may be empty.
  private(set) var primary = ByteRange(offset: 0, count: 0)
  /// How many older ones are not empty.
  private(set) var redundantCount = 0
  private var blocks = [3 of RedBlock](repeating: RedBlock())

  /// The newest one included. libwebrtc sends two unless it is told otherwise.
  static let blocksMax = 4

  /// Older block `index`, 0..<redundantCount, from the oldest.
  func redundant(_ index: Int) -> RedBlock {
    precondition(index >= 0 && index < redundantCount, "no such block")
    return blocks[index]
  }

  private mutating func append(_ block: RedBlock) {
    blocks[redundantCount] = block
    redundantCount += 1
  }
}

extension RedPayload {
  /// Reads the payload at `range` of `bytes`, whose blocks must all be of `payloadTypes`.
  /// Allocates nothing, whatever the bytes are.
  static func parse(
    _ bytes: RawSpan, at range: ByteRange, payloadTypes: PayloadTypes
  ) -> RedParse {
    var headers = 0
    var start = range.offset
    while start < range.end, bytes.u8(at: start) & 0x80 != 0 {
      headers += 1
      guard headers < blocksMax else { return .malformed(.blockCount) }
      start += 4
    }
    guard start < range.end else { return .malformed(.length) }
    guard payloadTypes.contains(bytes.u8(at: start) & 0x7F) else {
      return .malformed(.payloadType)
    }
    return read(
      bytes, at: range, headers: headers, dataStart: start + 1, payloadTypes: payloadTypes)
  }

  /// Section 3: a bit that another header follows, the type, 14 bits of time, 10 of length.
  private static func read(
    _ bytes: RawSpan, at range: ByteRange, headers: Int, dataStart: Int,
    payloadTypes: PayloadTypes
  ) -> RedParse {
    var payload = RedPayload()
    var place = dataStart
    var olderEnd: UInt32 = .max
    for index in 0..<headers {
      let word = bytes.u32(at: range.offset + 4 * index)
      let length = Int(word & 0x3FF)
      let offset = word >> 10 & 0x3FFF
      guard length <= range.end - place else { return .malformed(.length) }
      guard payloadTypes.contains(UInt8(word >> 24 & 0x7F)) else {
        return .malformed(.payloadType)
      }
      let block = RedBlock(
        packetsBack: UInt16(headers - index), timestampOffset: offset,
        range: ByteRange(offset: place, count: length))
      place += length
      guard length > 0 else { continue }
      guard let units = duration(bytes, block), offset >= units, offset <= olderEnd else {
        return .malformed(.timestamp)
      }
      olderEnd = offset - units
      payload.append(block)
    }
    payload.primary = ByteRange(offset: place, count: range.end - place)
    return .payload(payload)
  }

  /// How long the block plays; nil when it is no Opus packet.
  private static func duration(_ bytes: RawSpan, _ block: RedBlock) -> UInt32? {
    unsafe bytes.withUnsafeBytes { bytes in
      let payload = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[block.range.offset..<block.range.end])
      return unsafe OpusPacket(payload).map { UInt32($0.durationUnits) }
    }
  }
}
