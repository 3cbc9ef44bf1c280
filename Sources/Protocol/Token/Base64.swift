/// The base64 alphabet (RFC 4648, section 4), which is also ICE's `ice-char` alphabet (RFC 8839).
enum Base64 {
  /// The value of a character, or 64 when it is none of the alphabet.
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

  /// The 48 bits of eight characters, the first of them in the highest byte; nil when one is none
  /// of the alphabet.
  ///
  /// All eight at once and without branches: the characters of a forged token are random, and a
  /// mispredicted branch for each would cost more than the rest of opening it.
  @_noLocks @inline(__always)
  static func bits(of characters: UInt64) -> UInt64? {
    let upper = ones(in: characters, from: "A", to: "Z")
    let lower = ones(in: characters, from: "a", to: "z")
    let digits = ones(in: characters, from: "0", to: "9")
    let plus = ones(in: characters, from: "+", to: "+")
    let slash = ones(in: characters, from: "/", to: "/")
    guard upper | lower | digits | plus | slash == 0x0101_0101_0101_0101 else { return nil }
    // No byte carries into its neighbour: each sum stays below 256, each difference is 0 to 63.
    let raised = characters &+ digits &* 4 &+ plus &* 19 &+ slash &* 16
    return packed(raised &- upper &* 65 &- lower &* 71)
  }

  /// 1 in each byte that is between the two characters, both included; 0 in the others.
  @_noLocks @inline(__always)
  private static func ones(
    in characters: UInt64, from first: Unicode.Scalar, to last: Unicode.Scalar
  ) -> UInt64 {
    let every: UInt64 = 0x0101_0101_0101_0101
    let top = every << 7
    // With the top bit set a byte never borrows; the bit stays when it is not below the bound.
    let guarded = characters | top
    let atLeast = guarded &- every &* UInt64(first.value)
    let above = guarded &- every &* UInt64(last.value &+ 1)
    return (atLeast & ~above & ~characters & top) >> 7
  }

  /// Moves the lower six bits of eight bytes together.
  @_noLocks @inline(__always)
  private static func packed(_ values: UInt64) -> UInt64 {
    let twelves = values & 0x003F_003F_003F_003F | (values & 0x3F00_3F00_3F00_3F00) >> 2
    let halves = twelves & 0x0000_0FFF_0000_0FFF | (twelves & 0x0FFF_0000_0FFF_0000) >> 4
    return halves & 0xFF_FFFF | (halves >> 32) << 24
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
