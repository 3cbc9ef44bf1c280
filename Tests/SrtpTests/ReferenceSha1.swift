extension Reference {
  /// SHA-1 (RFC 3174).
  static func sha1(_ message: [UInt8]) -> [UInt8] {
    let bitCount = UInt64(message.count) * 8
    var bytes = message + [0x80]
    bytes += [UInt8](repeating: 0, count: (56 - bytes.count % 64 + 64) % 64) + octets(bitCount)
    return words(hashing: bytes).flatMap { octets(UInt64($0)).suffix(4) }
  }

  /// The state of SHA-1 after whole blocks.
  static func words(hashing blocks: [UInt8]) -> [UInt32] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    for start in stride(from: 0, to: blocks.count, by: 64) {
      var word = stride(from: start, to: start + 64, by: 4).map {
        UInt32(number(blocks[$0..<($0 + 4)]))
      }
      for round in 16..<80 {
        word.append(
          rotated(word[round - 3] ^ word[round - 8] ^ word[round - 14] ^ word[round - 16], by: 1))
      }
      var next = state
      for round in 0..<80 {
        let (mix, constant) = mixture(round, next[1], next[2], next[3])
        let first = rotated(next[0], by: 5) &+ mix &+ next[4] &+ word[round] &+ constant
        next = [first, next[0], rotated(next[1], by: 30), next[2], next[3]]
      }
      state = zip(state, next).map { $0 &+ $1 }
    }
    return state
  }

  /// HMAC-SHA1 (RFC 2104) with a key of up to 64 bytes.
  static func hmacSha1(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let (inner, outer) = (padding(key, 0x36), padding(key, 0x5C))
    return sha1(outer + sha1(inner + message))
  }

  /// The block that an HMAC's hash begins with: 0x36 for the inner, 0x5C for the outer one.
  static func padding(_ key: [UInt8], _ byte: UInt8) -> [UInt8] {
    (key + [UInt8](repeating: 0, count: 64 - key.count)).map { $0 ^ byte }
  }

  /// RFC 3174, section 5.
  private static func mixture(
    _ round: Int, _ b: UInt32, _ c: UInt32, _ d: UInt32
  ) -> (UInt32, UInt32) {
    switch round {
    case ..<20: (b & c | ~b & d, 0x5A82_7999)
    case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
    case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
    default: (b ^ c ^ d, 0xCA62_C1D6)
    }
  }

  private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }
}
