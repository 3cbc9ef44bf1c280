internal import Crypto
internal import Wire

/// What sealed texts are for. Each purpose has its own keys and, should somebody configure the
/// same key twice, its own check constant: one can never pass for the other.
enum SealPurpose {
  case routing
  case callID

  /// The first four bytes of the block.
  var check: UInt32 {
    @_noLocks get {
      switch self {
      case .routing: 0x4D54_5231
      case .callID: 0x4D54_4331
      }
    }
  }
}

extension TokenContents {
  /// `check 4 | cluster 2 | transceiver 3 | minted 3 | nonce 4` bytes.
  @_noLocks
  func block(check: UInt32) -> AesBlock {
    let id = UInt64(transceiver.rawValue)
    return AesBlock(
      high: UInt64(check) << 32 | UInt64(cluster) << 16 | id >> 8,
      low: (id & 0xFF) << 56 | UInt64(mintedMinutes) << 32 | UInt64(nonce))
  }

  @_noLocks
  init(block: AesBlock) {
    let id = (block.high & 0xFFFF) << 8 | block.low >> 56
    self.init(
      cluster: UInt16(truncatingIfNeeded: block.high >> 16),
      transceiver: TransceiverID(rawValue: UInt32(truncatingIfNeeded: id)),
      mintedMinutes: UInt32(truncatingIfNeeded: block.low >> 32) & TokenClock.minutesMax,
      nonce: UInt32(truncatingIfNeeded: block.low))
  }
}

extension SealedText {
  /// Writes a sealed block under the configuration character `name`.
  @_noLocks
  init(name: UInt8, block: AesBlock) {
    var words = (UInt64(0), UInt64(0), UInt64(0))
    var index = 0
    while index < Self.bytes {
      let character = index == 0 ? name : Base64.character(of: block.sixBits(at: index - 1))
      let shifted = UInt64(character) << UInt64(56 - 8 * (index & 7))
      if index < 8 {
        words.0 |= shifted
      } else if index < 16 {
        words.1 |= shifted
      } else {
        words.2 |= shifted
      }
      index += 1
    }
    self.init(first: words.0, middle: words.1, last: words.2)
  }

  /// Whether the 22 characters behind the first are letters and digits only. Some clients mangle
  /// `+` and `/`.
  var isAlphanumeric: Bool {
    (1..<Self.bytes).allSatisfy { Base64.value(of: character(at: $0)) < 62 }
  }
}

extension AesBlock {
  /// The base64 digit at `index`, 0 to 21; the last has four zero bits below the two that count.
  @_noLocks
  func sixBits(at index: Int) -> UInt8 {
    let from = 6 * index
    let bits: UInt64
    switch from {
    case ..<59: bits = high >> UInt64(58 - from)
    case ..<64: bits = high << UInt64(from - 58) | low >> UInt64(122 - from)
    case ..<123: bits = low >> UInt64(122 - from)
    default: bits = low << UInt64(from - 122)
    }
    return UInt8(truncatingIfNeeded: bits & 63)
  }
}
