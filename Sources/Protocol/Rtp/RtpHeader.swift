package import Wire

/// The fields of one RTP packet's header (RFC 3550, section 5.1), as numbers and positions.
///
/// Trivially copyable; the bytes stay where they are. Parsing trusts no length it reads.
package struct RtpHeader: Hashable, Sendable, BitwiseCopyable {
  /// Set on the first packet of a talk spurt (RFC 3551, section 4.1).
  package var marker: Bool
  /// 0...127.
  package var payloadType: UInt8
  /// One more with each packet of the source, modulo 2^16, from a random first one.
  package var sequenceNumber: UInt16
  /// In units of the payload's clock; Opus always counts at 48 kHz (RFC 7587, section 4.1).
  package var timestamp: UInt32
  /// The synchronisation source.
  package var ssrc: UInt32
  /// 0...15 contributing sources follow the fixed header.
  package var csrcCount: UInt8
  /// The 16 bits "defined by profile" of the header extension; 0 when there is none.
  package var extensionProfile: UInt16
  /// The header extension's data, without its four leading bytes; empty when there is none.
  package var extensionData: ByteRange
  /// The payload without padding; empty in a packet of padding only.
  package var payload: ByteRange
  /// 0, or 1...255 bytes at the end of the packet, the last of which holds this count.
  package var paddingCount: UInt8

  /// Bytes of the header that `write` makes: no CSRC, no extension.
  package static let plainByteCount = 12

  /// A header to be written: no CSRC, no extension, no padding.
  package init(
    marker: Bool, payloadType: UInt8, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32
  ) {
    self.marker = marker
    self.payloadType = payloadType
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.ssrc = ssrc
    csrcCount = 0
    extensionProfile = 0
    extensionData = ByteRange(offset: Self.plainByteCount, count: 0)
    payload = ByteRange(offset: Self.plainByteCount, count: 0)
    paddingCount = 0
  }

  /// Writes the twelve bytes of a plain header. Traps when `writer` has no room for them.
  package func write(to writer: inout ByteWriter) {
    precondition(payloadType < 128, "a payload type has seven bits")
    writer.append(u8: 0x80)
    writer.append(u8: (marker ? 0x80 : 0) | payloadType)
    writer.append(u16: sequenceNumber)
    writer.append(u32: timestamp)
    writer.append(u32: ssrc)
  }

  /// Bytes that a header extension with a transport-wide number takes.
  package static let transportNumberByteCount = 8

  /// As `write`, followed by a one-byte header extension (RFC 8285, section 4.2) with `id` 1...14
  /// and the packet's transport-wide number.
  package func write(transportNumber: UInt16, id: UInt8, to writer: inout ByteWriter) {
    precondition(payloadType < 128, "a payload type has seven bits")
    precondition(1...14 ~= id, "an extension of one byte has IDs 1 to 14")
    writer.append(u8: 0x90)
    writer.append(u8: (marker ? 0x80 : 0) | payloadType)
    writer.append(u16: sequenceNumber)
    writer.append(u32: timestamp)
    writer.append(u32: ssrc)
    writer.append(u16: 0xBEDE)
    writer.append(u16: 1)
    writer.append(u8: id << 4 | 1)
    writer.append(u16: transportNumber)
    writer.append(u8: 0)
  }
}

/// Why bytes are not an RTP packet.
package enum RtpDefect: UInt8, Hashable, Sendable, CaseIterable {
  /// Shorter than the header that its first byte announces, or longer than any datagram.
  case length
  /// The version is not 2.
  case version
  /// The header extension does not fit.
  case headerExtension
  /// The padding count is 0 or larger than what follows the header.
  case padding
}

/// What `RtpHeader.parse` found.
package enum RtpParse: Hashable, Sendable {
  case packet(RtpHeader)
  case malformed(RtpDefect)
}

extension RtpHeader {
  /// Reads the header of the packet that fills `bytes`. Allocates nothing.
  package static func parse(_ bytes: RawSpan) -> RtpParse {
    guard bytes.byteCount >= plainByteCount, bytes.byteCount <= Int(UInt16.max) else {
      return .malformed(.length)
    }
    let first = bytes.u8(at: 0)
    guard first >> 6 == 2 else { return .malformed(.version) }
    var header = RtpHeader(
      marker: bytes.u8(at: 1) & 0x80 != 0, payloadType: bytes.u8(at: 1) & 0x7F,
      sequenceNumber: bytes.u16(at: 2), timestamp: bytes.u32(at: 4), ssrc: bytes.u32(at: 8))
    header.csrcCount = first & 0x0F
    var start = plainByteCount + 4 * Int(header.csrcCount)
    guard start <= bytes.byteCount else { return .malformed(.length) }
    if first & 0x10 != 0 {
      guard header.readExtension(bytes, at: start) else { return .malformed(.headerExtension) }
      start = header.extensionData.end
    }
    guard header.readPadding(bytes, announced: first & 0x20 != 0, after: start) else {
      return .malformed(.padding)
    }
    let end = bytes.byteCount - Int(header.paddingCount)
    header.payload = ByteRange(offset: start, count: end - start)
    return .packet(header)
  }

  /// Section 5.3.1: two bytes for the profile, two for the count of 32-bit words.
  private mutating func readExtension(_ bytes: RawSpan, at start: Int) -> Bool {
    guard start + 4 <= bytes.byteCount else { return false }
    let count = 4 * Int(bytes.u16(at: start + 2))
    guard start + 4 + count <= bytes.byteCount else { return false }
    extensionProfile = bytes.u16(at: start)
    extensionData = ByteRange(offset: start + 4, count: count)
    return true
  }

  private mutating func readPadding(_ bytes: RawSpan, announced: Bool, after start: Int) -> Bool {
    guard announced else { return true }
    guard start < bytes.byteCount else { return false }
    paddingCount = bytes.u8(at: bytes.byteCount - 1)
    return paddingCount > 0 && Int(paddingCount) <= bytes.byteCount - start
  }
}
