import Wire

extension RtpHeader {
  /// How loud the sender says the packet is, in dB below the loudest there is: 0, the loudest, to
  /// 127, silence (RFC 6464, section 3). Nil when the packet does not say it.
  ///
  /// `bytes` is the packet that this header was read from, `id` the extension's ID from the SDP,
  /// 1...255. Both forms of RFC 8285 are read; any bytes are safe. Allocates nothing.
  package func audioLevel(in bytes: RawSpan, id: UInt8) -> UInt8? {
    guard let range = element(id, in: bytes), range.count > 0 else { return nil }
    return bytes.u8(at: range.offset) & 0x7F
  }

  /// The packet's number among all of its transport
  /// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 2); nil when it has none. As
  /// `audioLevel` otherwise.
  package func transportNumber(in bytes: RawSpan, id: UInt8) -> UInt16? {
    guard let range = element(id, in: bytes), range.count >= 2 else { return nil }
    return bytes.u16(at: range.offset)
  }

  /// Where the first extension element with this ID has its data.
  private func element(_ id: UInt8, in bytes: RawSpan) -> ByteRange? {
    let hasShortForm = extensionProfile == 0xBEDE
    guard hasShortForm || extensionProfile >> 4 == 0x100 else { return nil }
    var offset = extensionData.offset
    // Ends: each turn moves the offset on.
    while offset < extensionData.end {
      let first = bytes.u8(at: offset)
      offset += 1
      // Padding between elements (RFC 8285, section 4.2), in either form a zero.
      if first == 0 { continue }
      let element: UInt8
      let length: Int
      if hasShortForm {
        element = first >> 4
        length = Int(first & 0x0F) + 1
        // RFC 8285, section 4.2: nothing is to be read from there on.
        if element == 15 { return nil }
      } else {
        guard offset < extensionData.end else { return nil }
        element = first
        length = Int(bytes.u8(at: offset))
        offset += 1
      }
      guard offset + length <= extensionData.end else { return nil }
      if element == id { return ByteRange(offset: offset, count: length) }
      offset += length
    }
    return nil
  }
}
