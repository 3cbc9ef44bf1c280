internal import Crypto

/// What became of a token that somebody sent.
package enum TokenVerdict: Hashable, Sendable, BitwiseCopyable {
  case valid(TokenContents)
  /// Not 23 characters of the alphabet.
  case malformed
  /// Names a key that is not configured (any more).
  case unknownKey
  /// The four unused bits of the last character are not zero: a second spelling.
  case nonCanonical
  /// The check constant is wrong: not made with this key for this purpose.
  case forged
  /// Older than the longest session allowed.
  case expired
  /// Minted later than now and the clocks' allowance: a clock is wrong.
  case premature
}

/// How long a sealed text is good.
package struct TokenValidity: Sendable, BitwiseCopyable {
  /// The longest session allowed, in minutes.
  package var lifetimeMinutes: UInt32
  /// How far the minting clock may be ahead, in minutes.
  package var skewMinutes: UInt32

  /// By default a session of a day at most, and a minting clock up to five minutes ahead.
  package init(lifetimeMinutes: UInt32 = 24 * 60, skewMinutes: UInt32 = 5) {
    self.lifetimeMinutes = lifetimeMinutes
    self.skewMinutes = skewMinutes
  }
}

/// Opens routing tokens with every configured key. Prepared once for each thread that opens;
/// opening allocates nothing and takes one AES block at most.
package struct TokenOpener: ~Copyable {
  private let opener: BlockOpener

  /// Prepares every key of `keys.tokens`, and allocates for that.
  package init(_ keys: RoutingKeys, validity: TokenValidity = TokenValidity()) {
    opener = BlockOpener(keys.tokens, purpose: .routing, validity: validity)
  }

  /// Opens the `length` bytes at `offset`, whatever they are: a place outside `bytes` is malformed.
  @_noLocks
  package func open(
    _ bytes: RawSpan, at offset: Int, length: Int, nowMinutes: UInt32
  ) -> TokenVerdict {
    guard let sealed = SealedText(bytes, at: offset, length: length) else { return .malformed }
    return opener.open(sealed, nowMinutes: nowMinutes)
  }

  /// Opens a token that is at hand.
  @_noLocks
  package func open(_ token: RoutingToken, nowMinutes: UInt32) -> TokenVerdict {
    opener.open(token.sealed, nowMinutes: nowMinutes)
  }
}

/// Opens call IDs, in the same way.
package struct CallIDOpener: ~Copyable {
  private let opener: BlockOpener

  /// Prepares every key of `keys.callIDs`, and allocates for that.
  package init(_ keys: RoutingKeys, validity: TokenValidity = TokenValidity()) {
    opener = BlockOpener(keys.callIDs, purpose: .callID, validity: validity)
  }

  /// Whether such a call was ever minted, and where; not whether it lives. Allocates nothing.
  @_noLocks
  package func open(_ callID: CallID, nowMinutes: UInt32) -> TokenVerdict {
    opener.open(callID.sealed, nowMinutes: nowMinutes)
  }
}
