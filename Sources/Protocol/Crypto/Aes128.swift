internal import CCrypto

/// One AES-128 block as two numbers in network order: `high` holds bytes 0 to 7.
package struct AesBlock: Hashable, Sendable, BitwiseCopyable {
  /// Bytes 0 to 7, the first highest.
  package var high: UInt64
  /// Bytes 8 to 15, the first highest.
  package var low: UInt64

  /// Takes plain numbers: byte 0 of the block is the highest of `high`.
  @_noLocks @inlinable
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// AES-128 on single blocks (FIPS 197), prepared: a call allocates nothing.
///
/// Not for two threads at once: each thread makes its own from the same key.
@safe package struct Aes128: ~Copyable {
  /// Bytes in a key.
  @inlinable package static var keyBytes: Int { @_noLocks get { 16 } }

  private let context: OpaquePointer

  /// Traps unless the key has 16 bytes, or when memory has run out.
  package init(key: [UInt8]) {
    precondition(key.count == Self.keyBytes, "an AES-128 key has 16 bytes")
    guard let context = unsafe cc_aes128_create(key) else { fatalError("out of memory") }
    unsafe self.context = context
  }

  deinit { unsafe cc_aes128_destroy(context) }

  /// The block alone, without a mode: equal blocks stay equal, so who calls puts a nonce in.
  @_noLocks
  package func encrypt(_ block: AesBlock) -> AesBlock {
    var octets = cc_block(high: block.high, low: block.low)
    unsafe cc_aes128_encrypt(context, &octets)
    return AesBlock(high: octets.high, low: octets.low)
  }

  /// Any block decrypts to something: that it was made with this key, its content has to show.
  @_noLocks
  package func decrypt(_ block: AesBlock) -> AesBlock {
    var octets = cc_block(high: block.high, low: block.low)
    unsafe cc_aes128_decrypt(context, &octets)
    return AesBlock(high: octets.high, low: octets.low)
  }
}
