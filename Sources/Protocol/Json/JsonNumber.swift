import Wire

/// What the numbers of JSON texts are (RFC 8259, section 6).
enum JsonNumber {
  /// The number at `part`, which the scanner has found in `bytes`: whole when it is written without
  /// fraction and exponent. nil when it is beyond 64 bits, or beyond a double. What is too small
  /// for a double is 0.
  static func value(of part: JsonPart, in bytes: RawSpan) -> JsonValue? {
    let text = String(decoding: JsonText.copy(part, in: bytes), as: UTF8.self)
    if isWhole(part, in: bytes) { return Int(text).map { .integer($0) } }
    guard let number = Double(text), number.isFinite else { return nil }
    return .real(number)
  }

  static func isWhole(_ part: JsonPart, in bytes: RawSpan) -> Bool {
    for offset in part.offset..<part.end {
      switch bytes.u8(at: offset) {
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return false
      default: continue
      }
    }
    return true
  }
}
