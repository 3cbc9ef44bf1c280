internal import CCrypto

/// One AES-128 block as two numbers in network order: `high` holds bytes 0 to 7.
package struct AesBlock: Hashable, Sendable, BitwiseCopyable {
  package var high: UInt64
  package var low: UInt64

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

  @_noLocks
  package func encrypt(_ block: AesBlock) -> AesBlock {
    var octets = cc_block(high: block.high, low: block.low)
    unsafe cc_aes128_encrypt(context, &octets)
    return AesBlock(high: octets.high, low: octets.low)
  }

  @_noLocks
  package func decrypt(_ block: AesBlock) -> AesBlock {
    var octets = cc_block(high: block.high, low: block.low)
    unsafe cc_aes128_decrypt(context, &octets)
    return AesBlock(high: octets.high, low: octets.low)
  }
}
