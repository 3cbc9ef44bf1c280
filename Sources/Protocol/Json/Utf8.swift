import Wire

/// One character of UTF-8 (RFC 3629, section 4) in a text that is whole.
///
/// `CWeb/utf8.c` has the other check: it stops at the end of a WebSocket frame, wherever in a
/// character that is, and goes on with the next one (RFC 6455, section 5.6). This one finds where
/// strings end in one pass, over texts that come by data channels and files as well.
enum Utf8 {
  /// The offset after the character of two to four bytes at `offset`; nil when it is none.
  static func end(of bytes: RawSpan, at offset: Int) -> Int? {
    let first = bytes.u8(at: offset)
    let (count, second): (Int, ClosedRange<UInt8>) =
      switch first {
      case 0xC2...0xDF: (2, 0x80...0xBF)
      case 0xE0: (3, 0xA0...0xBF)
      case 0xED: (3, 0x80...0x9F)
      case 0xE1...0xEF: (3, 0x80...0xBF)
      case 0xF0: (4, 0x90...0xBF)
      case 0xF1...0xF3: (4, 0x80...0xBF)
      case 0xF4: (4, 0x80...0x8F)
      default: (0, 0...0)
      }
    guard count > 0, offset + count <= bytes.byteCount,
      second.contains(bytes.u8(at: offset + 1))
    else { return nil }
    for index in 2..<4 where index < count {
      guard (0x80...0xBF).contains(bytes.u8(at: offset + index)) else { return nil }
    }
    return offset + count
  }
}
