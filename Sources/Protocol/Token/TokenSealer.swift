internal import Crypto

/// Seals routing tokens with the minting key. One thread at a time.
package struct TokenSealer: ~Copyable {
  private let sealer: BlockSealer

  /// Keeps the minting key of `keys.tokens` as it is now: new keys want a new sealer. Allocates.
  package init(_ keys: RoutingKeys) { sealer = BlockSealer(keys.tokens, purpose: .routing) }

  /// Seals `contents` with nonces drawn from `random` (`contents.nonce` is not used) until the text
  /// is of letters and digits only: two draws on average. Allocates nothing.
  package func seal(
    _ contents: TokenContents, random: inout some RandomNumberGenerator
  ) -> RoutingToken {
    RoutingToken(sealed: sealer.seal(contents, random: &random))
  }
}

/// Seals call IDs, in the same way under their own keys. One thread at a time.
package struct CallIDSealer: ~Copyable {
  private let sealer: BlockSealer

  /// Keeps the minting key of `keys.callIDs` as it is now: new keys want a new sealer. Allocates.
  package init(_ keys: RoutingKeys) { sealer = BlockSealer(keys.callIDs, purpose: .callID) }

  /// As `TokenSealer.seal`.
  package func seal(
    _ contents: TokenContents, random: inout some RandomNumberGenerator
  ) -> CallID {
    CallID(sealed: sealer.seal(contents, random: &random))
  }
}

struct BlockSealer: ~Copyable {
  private let name: UInt8
  private let aes: Aes128
  private let check: UInt32

  init(_ keys: SealingKeys, purpose: SealPurpose) {
    guard let name = keys.minting.asciiValue, let key = keys.keys[keys.minting] else {
      preconditionFailure("SealingKeys checks its names")
    }
    self.name = name
    aes = Aes128(key: key)
    check = purpose.check
  }

  func seal(_ contents: TokenContents, random: inout some RandomNumberGenerator) -> SealedText {
    var drawn = contents
    // Each draw succeeds with a chance of one half; a generator that always fails is broken.
    for _ in 0..<1_000 {
      drawn.nonce = UInt32(truncatingIfNeeded: random.next())
      let sealed = SealedText(name: name, block: aes.encrypt(drawn.block(check: check)))
      if sealed.isAlphanumeric { return sealed }
    }
    preconditionFailure("the random generator repeats itself")
  }
}
