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
    // The 22 characters behind the name, in eights; two of value 0 fill up the third.
    guard let head = Base64.bits(of: sealed.first << 8 | sealed.middle >> 56),
      let middle = Base64.bits(of: sealed.middle << 8 | sealed.last >> 56),
      let tail = Base64.bits(of: sealed.last << 8 | 0x4141)
    else { return .malformed }
    // 132 bits were spelled, of which the last four must be zero; below them is the filling.
    guard tail >> 12 & 15 == 0 else { return .nonCanonical }
    let block = AesBlock(high: head << 16 | middle >> 32, low: middle << 32 | tail >> 16)
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
