import Wire

/// Half a surrogate pair, escaped: no character (RFC 8259, section 8.2).
struct JsonLoneSurrogate: Error {
  let unit: UInt16
  /// The escape right behind a first half, which is no second half.
  var follower: UInt16?
}

/// What the strings of JSON texts spell.
enum JsonString {
  /// The UTF-8 of the string at `part`, which the scanner has found in `bytes`, escapes undone.
  static func characters(
    of part: JsonPart, in bytes: RawSpan
  ) throws(JsonLoneSurrogate) -> [UInt8] {
    guard part.isEscaped else { return JsonText.copy(part, in: bytes) }
    var out: [UInt8] = []
    // An escape is longer than its character: six bytes for three, twelve for four.
    out.reserveCapacity(part.count)
    var offset = part.offset
    while offset < part.end {
      let byte = bytes.u8(at: offset)
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        offset += 1
        continue
      }
      let letter = bytes.u8(at: offset + 1)
      if letter == UInt8(ascii: "u") {
        out.append(contentsOf: try scalar(bytes, &offset, part.end).utf8)
      } else {
        out.append(control(letter))
        offset += 2
      }
    }
    return out
  }

  /// What a backslash and `letter` stand for (RFC 8259, section 7).
  private static func control(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: letter  // " \ /
    }
  }

  /// Moves over one `\uXXXX`, or the two of a surrogate pair.
  private static func scalar(
    _ bytes: RawSpan, _ offset: inout Int, _ end: Int
  ) throws(JsonLoneSurrogate) -> Unicode.Scalar {
    let first = unit(bytes, offset)
    offset += 6
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, offset < end, bytes.u8(at: offset) == UInt8(ascii: "\\"),
      bytes.u8(at: offset + 1) == UInt8(ascii: "u")
    else { throw JsonLoneSurrogate(unit: first) }
    let second = unit(bytes, offset)
    let value = 0x1_0000 + (UInt32(first) & 0x3FF) << 10 + UInt32(second) & 0x3FF
    guard (0xDC00...0xDFFF).contains(second), let scalar = Unicode.Scalar(value)
    else { throw JsonLoneSurrogate(unit: first, follower: second) }
    offset += 6
    return scalar
  }

  /// The four hexadecimal digits behind a `\u`.
  private static func unit(_ bytes: RawSpan, _ offset: Int) -> UInt16 {
    var unit: UInt16 = 0
    for index in 2..<6 {
      let digit = bytes.u8(at: offset + index)
      unit = unit << 4 | UInt16(digit < 0x40 ? digit & 0xF : digit & 0xF + 9)
    }
    return unit
  }
}
