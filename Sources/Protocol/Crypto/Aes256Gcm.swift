internal import CCrypto

/// Whole messages that nobody can read or change without the key: AES-256-GCM (NIST SP 800-38D).
/// For what clients carry over HTTP; it allocates.
package enum Aes256Gcm {
  /// `seal` and `open` trap on any other length.
  package static let keyBytes = 32
  /// 96 bits, which GCM takes as they are (NIST SP 800-38D, section 7.1). Others trap.
  package static let nonceBytes = 12
  /// What sealing adds.
  package static let tagBytes = 16

  /// Seals a message; the tag comes last. A key and a nonce must never seal two messages. Traps on
  /// a key or nonce of another length.
  package static func seal(_ plain: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8] {
    check(key, nonce)
    return unsafe Array(unsafeUninitializedCapacity: plain.count + tagBytes) { buffer, filled in
      let sealed = unsafe cc_aes256_gcm_seal(
        key, nonce, plain, plain.count, buffer.baseAddress!)
      precondition(sealed == 1, "a message could not be sealed: out of memory")
      filled = plain.count + tagBytes
    }
  }

  /// The message again; nil when it is not what was sealed with this key and nonce.
  package static func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8]? {
    check(key, nonce)
    guard sealed.count >= tagBytes else { return nil }
    var isGenuine = false
    // One byte more than needed: an empty message still wants an address to be written to.
    let plain = unsafe [UInt8](unsafeUninitializedCapacity: sealed.count) { buffer, filled in
      isGenuine =
        unsafe cc_aes256_gcm_open(key, nonce, sealed, sealed.count, buffer.baseAddress!) == 1
      filled = isGenuine ? sealed.count - tagBytes : 0
    }
    return isGenuine ? plain : nil
  }

  private static func check(_ key: [UInt8], _ nonce: [UInt8]) {
    precondition(key.count == keyBytes, "an AES-256 key has 32 bytes")
    precondition(nonce.count == nonceBytes, "a nonce of GCM has 12 bytes")
  }
}
