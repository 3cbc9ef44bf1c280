/// Base64 with `-` and `_`, without padding (RFC 4648, section 5): for what travels in HTTP fields.
enum Base64Url {
  static func text(_ bytes: [UInt8]) -> String {
    var characters: [UInt8] = []
    characters.reserveCapacity((bytes.count * 4 + 2) / 3)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        characters.append(character(bits >> count))
      }
    }
    if count > 0 { characters.append(character(bits << (6 - count))) }
    return String(decoding: characters, as: UTF8.self)
  }

  /// The bytes that a text spells; nil for other characters, a length that no text has, and bits
  /// at the end that spell nothing: each sequence of bytes has one text.
  static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in text {
      let value = value(of: character)
      guard value < 64 else { return nil }
      bits = (bits << 6 | UInt32(value)) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    guard count < 6, bits & (1 << count - 1) == 0 else { return nil }
    return bytes
  }

  private static func character(_ bits: UInt32) -> UInt8 {
    switch Base64.character(of: UInt8(truncatingIfNeeded: bits & 63)) {
    case UInt8(ascii: "+"): UInt8(ascii: "-")
    case UInt8(ascii: "/"): UInt8(ascii: "_")
    case let character: character
    }
  }

  private static func value(of character: UInt8) -> UInt8 {
    switch character {
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    case UInt8(ascii: "+"), UInt8(ascii: "/"): 64
    default: Base64.value(of: character)
    }
  }
}
