internal import Crypto

/// The keys of one purpose, prepared and found by their configuration character.
@safe struct BlockOpener: ~Copyable {
  /// One place for each configuration character, in the order of base64.
  private let keys: UnsafeMutablePointer<Aes128?>
  private let check: UInt32
  private let validity: TokenValidity

  init(_ sealing: SealingKeys, purpose: SealPurpose, validity: TokenValidity) {
    unsafe keys = .allocate(capacity: SealingKeys.namesCount)
    for index in 0..<SealingKeys.namesCount { unsafe (keys + index).initialize(to: nil) }
    for (name, key) in sealing.keys {
      guard let index = SealingKeys.index(of: name) else { continue }
      unsafe keys[index] = Aes128(key: key)
    }
    check = purpose.check
    self.validity = validity
  }

  deinit {
    unsafe keys.deinitialize(count: SealingKeys.namesCount)
    unsafe keys.deallocate()
  }

  @_noLocks
  func open(_ sealed: SealedText, nowMinutes: UInt32) -> TokenVerdict {
    let name = Int(Base64.value(of: sealed.character(at: 0)))
    guard name < SealingKeys.namesCount else { return .malformed }
    var block = AesBlock(high: 0, low: 0)
    var seen: UInt8 = 0
    var index = 1
    while index < SealedText.bytes - 1 {
      let value = Base64.value(of: sealed.character(at: index))
      seen |= value
      block.append(value, bits: 6)
      index += 1
    }
    // Of the last six bits two belong to the block.
    let last = Base64.value(of: sealed.character(at: index))
    block.append(last >> 4, bits: 2)
    guard seen | last < 64 else { return .malformed }
    guard last & 15 == 0 else { return .nonCanonical }
    guard unsafe keys[name] != nil else { return .unknownKey }
    return judge(unsafe keys[name]!.decrypt(block), nowMinutes: nowMinutes)
  }

  @_noLocks
  private func judge(_ block: AesBlock, nowMinutes: UInt32) -> TokenVerdict {
    guard block.high >> 32 == UInt64(check) else { return .forged }
    let contents = TokenContents(block: block)
    let minted = UInt64(contents.mintedMinutes)
    let now = UInt64(nowMinutes)
    guard minted <= now + UInt64(validity.skewMinutes) else { return .premature }
    guard now <= minted + UInt64(validity.lifetimeMinutes) else { return .expired }
    return .valid(contents)
  }
}

extension AesBlock {
  /// Shifts in the lower `bits` bits of `value`, 1 to 8 of them.
  @_noLocks @inline(__always)
  mutating func append(_ value: UInt8, bits: UInt64) {
    high = high << bits | low >> (64 - bits)
    low = low << bits | UInt64(value) & (1 << bits - 1)
  }
}
