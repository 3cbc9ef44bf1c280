import Crypto

/// The cryptography of SRTP once more, slow and plain, from the RFCs alone; AES's block function
/// alone is borrowed. The published vectors hold it (`VectorTests`), and it holds what calls use.
enum Reference {
  /// AES in counter mode: the keystream that begins at `block` (RFC 3711, section 4.1.1).
  static func keystream(key: [UInt8], from block: [UInt8], count: Int) -> [UInt8] {
    let aes = Aes128(key: key)
    var counter = number(block[12...])
    var stream: [UInt8] = []
    while stream.count < count {
      let head = block[..<12]
      let input = AesBlock(
        high: number(head.prefix(8)), low: number(head.suffix(4)) << 32 | counter)
      let output = aes.encrypt(input)
      stream += octets(output.high) + octets(output.low)
      counter = (counter + 1) & 0xFFFF_FFFF
    }
    return Array(stream.prefix(count))
  }

  /// The session key that `label` names (RFC 3711, section 4.3; a salt of 12 bytes is padded, RFC
  /// 7714, section 11).
  static func derive(key: [UInt8], salt: [UInt8], label: UInt8, count: Int) -> [UInt8] {
    var block = salt + [UInt8](repeating: 0, count: 16 - salt.count)
    block[7] ^= label
    return keystream(key: key, from: block, count: count)
  }

  /// Cipher text and tag (NIST SP 800-38D) with a nonce of 12 bytes.
  static func seal(
    key: [UInt8], nonce: [UInt8], _ plain: [UInt8], associated: [UInt8]
  ) -> [UInt8] {
    let stream = keystream(key: key, from: nonce + [0, 0, 0, 1], count: 16 + plain.count)
    let cipher = zip(plain, stream[16...]).map { $0 ^ $1 }
    let hashKey = keystream(key: key, from: [UInt8](repeating: 0, count: 16), count: 16)
    let lengths = octets(UInt64(associated.count) * 8) + octets(UInt64(cipher.count) * 8)
    let hash = hash(padded(associated) + padded(cipher) + lengths, key: hashKey)
    return cipher + zip(hash, stream).map { $0 ^ $1 }
  }

  // MARK: - Arithmetic

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: -bytes.count & 15)
  }

  /// GHASH (section 6.4 of SP 800-38D) of whole blocks.
  private static func hash(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    let (keyHigh, keyLow) = (number(key[..<8]), number(key[8...]))
    var (high, low): (UInt64, UInt64) = (0, 0)
    for start in stride(from: 0, to: bytes.count, by: 16) {
      high ^= number(bytes[start..<(start + 8)])
      low ^= number(bytes[(start + 8)..<(start + 16)])
      (high, low) = product(high, low, keyHigh, keyLow)
    }
    return octets(high) + octets(low)
  }

  /// In the field of 2^128 elements, bits from the left (section 6.3).
  private static func product(
    _ high: UInt64, _ low: UInt64, _ keyHigh: UInt64, _ keyLow: UInt64
  ) -> (UInt64, UInt64) {
    var (sumHigh, sumLow): (UInt64, UInt64) = (0, 0)
    var (shiftedHigh, shiftedLow) = (keyHigh, keyLow)
    for bit in 0..<128 {
      let word = bit < 64 ? high : low
      if word >> UInt64(63 - bit % 64) & 1 == 1 {
        sumHigh ^= shiftedHigh
        sumLow ^= shiftedLow
      }
      let isOdd = shiftedLow & 1 == 1
      shiftedLow = shiftedLow >> 1 | shiftedHigh << 63
      shiftedHigh = shiftedHigh >> 1 ^ (isOdd ? 0xE1 << 56 : 0)
    }
    return (sumHigh, sumLow)
  }

  /// Up to eight bytes, highest first.
  static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func octets(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
  }
}
