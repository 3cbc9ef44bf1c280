package import Wire

/// The canonical name of a sender (RFC 3550, section 6.5.1): 1 to 16 bytes, inline.
///
/// RFC 7022 wants it random and short-term; 16 characters of random text, made by whoever owns
/// randomness.
package struct CanonicalName: Sendable {
  var bytes: [16 of UInt8]
  var count: UInt8

  /// Takes the first 16 bytes of `text`, which must not be empty. Called at set-up.
  package init(_ text: String) {
    bytes = [16 of UInt8](repeating: 0)
    var count = 0
    for byte in text.utf8.prefix(16) {
      bytes[count] = byte
      count += 1
    }
    precondition(count > 0, "a canonical name is not empty")
    self.count = UInt8(count)
  }
}

/// Builds compound RTCP packets into memory of the caller (RFC 3550, section 6.1): a report first,
/// then the source description with the canonical name. Each traps when `writer` has no room;
/// `byteCountMax` is enough for any of them. Nothing here allocates.
package enum RtcpWriter {
  /// The largest packet that these functions make.
  package static let byteCountMax = 28 + ReportBlock.byteCount + 28 + 8

  /// SR (or RR, when nothing has been sent yet and `info` is nil) and SDES.
  package static func report(
    from ssrc: UInt32, info: SenderInfo?, block: ReportBlock?, name: CanonicalName,
    to writer: inout ByteWriter
  ) {
    let words = 1 + (info == nil ? 0 : 5) + (block == nil ? 0 : 6)
    let type = info == nil ? RtcpType.receiverReport : RtcpType.senderReport
    header(type, items: block == nil ? 0 : 1, words: words, to: &writer)
    writer.append(u32: ssrc)
    if let info {
      writer.append(u64: info.ntpTime)
      writer.append(u32: info.rtpTime)
      writer.append(u32: info.packetCount)
      writer.append(u32: info.octetCount)
    }
    block?.write(to: &writer)
    sourceDescription(of: ssrc, name: name, to: &writer)
  }

  /// An empty RR, SDES and BYE: the source leaves (section 6.6).
  package static func goodbye(
    from ssrc: UInt32, name: CanonicalName, to writer: inout ByteWriter
  ) {
    report(from: ssrc, info: nil, block: nil, name: name, to: &writer)
    header(RtcpType.goodbye, items: 1, words: 1, to: &writer)
    writer.append(u32: ssrc)
  }

  /// An empty RR, SDES and a generic NACK about packets of `media` (RFC 4585, section 6.2.1). The
  /// report is empty because each that is not begins the count of a new interval.
  package static func nack(
    from ssrc: UInt32, about media: UInt32, request: ResendRequest, name: CanonicalName,
    to writer: inout ByteWriter
  ) {
    report(from: ssrc, info: nil, block: nil, name: name, to: &writer)
    header(RtcpType.transportFeedback, items: 1, words: 2 + request.entryCount, to: &writer)
    writer.append(u32: ssrc)
    writer.append(u32: media)
    for index in 0..<request.entryCount {
      let (first, following) = request.entry(index)
      writer.append(u16: first)
      writer.append(u16: following)
    }
  }

  /// One chunk with one CNAME item, ended by one to four zero bytes (section 6.5).
  private static func sourceDescription(
    of ssrc: UInt32, name: CanonicalName, to writer: inout ByteWriter
  ) {
    let itemBytes = 2 + Int(name.count)
    let zeros = 4 - itemBytes % 4
    header(
      RtcpType.sourceDescription, items: 1, words: 1 + (itemBytes + zeros) / 4, to: &writer)
    writer.append(u32: ssrc)
    writer.append(u8: 1)
    writer.append(u8: name.count)
    for index in 0..<Int(name.count) { writer.append(u8: name.bytes[index]) }
    writer.append(zeros: zeros)
  }

  /// The four bytes that open each part; `words` counts 32-bit words after them.
  private static func header(
    _ type: UInt8, items: UInt8, words: Int, to writer: inout ByteWriter
  ) {
    writer.append(u8: 0x80 | items)
    writer.append(u8: type)
    writer.append(u16: UInt16(words))
  }
}
