/// The base64 alphabet (RFC 4648, section 4), which is also ICE's `ice-char` alphabet (RFC 8839).
enum Base64 {
  /// The value of a character, or 64 and more when it is none of the alphabet.
  @_noLocks @inline(__always)
  static func value(of character: UInt8) -> UInt8 {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character &- UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character &- UInt8(ascii: "a") &+ 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character &- UInt8(ascii: "0") &+ 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: 64
    }
  }

  /// The character of the lower six bits.
  @_noLocks @inline(__always)
  static func character(of value: UInt8) -> UInt8 {
    switch value & 63 {
    case 0..<26: UInt8(ascii: "A") &+ (value & 63)
    case 26..<52: UInt8(ascii: "a") &+ (value & 63) &- 26
    case 52..<62: UInt8(ascii: "0") &+ (value & 63) &- 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}
