internal import CCrypto

/// An HMAC-SHA1 key (RFC 2104), prepared: each tag then costs two SHA-1 blocks less and allocates
/// nothing. A plain value that any thread may use; a secret, so it has no description.
package struct HmacSha1: Sendable, BitwiseCopyable {
  /// Bytes in a tag.
  @inlinable package static var tagBytes: Int { @_noLocks get { 20 } }

  private var key = cc_hmac_sha1()

  /// Takes a secret of any length.
  @_noLocks
  package init(key secret: UnsafeRawBufferPointer) {
    unsafe cc_hmac_sha1_prepare(&key, secret.baseAddress, secret.count)
  }

  /// Takes a secret of any length.
  package init(key secret: some Collection<UInt8>) {
    let bytes = Array(secret)
    self = unsafe bytes.withUnsafeBytes { unsafe HmacSha1(key: $0) }
  }

  /// The tag of `head` followed by `tail`, written to the 20 bytes at `tag`.
  @_noLocks
  package func tag(
    _ head: UnsafeRawBufferPointer, _ tail: UnsafeRawBufferPointer,
    into tag: UnsafeMutablePointer<UInt8>
  ) {
    unsafe withUnsafePointer(to: key) { key in
      unsafe cc_hmac_sha1_tag(key, head.baseAddress, head.count, tail.baseAddress, tail.count, tag)
    }
  }

  /// The tag of `message`.
  @_noLocks
  package func tag(_ message: UnsafeRawBufferPointer) -> [20 of UInt8] {
    var result = [20 of UInt8](repeating: 0)
    unsafe withUnsafeMutableBytes(of: &result) { result in
      let tag = unsafe result.baseAddress!.assumingMemoryBound(to: UInt8.self)
      unsafe self.tag(message, UnsafeRawBufferPointer(start: nil, count: 0), into: tag)
    }
    return result
  }
}

/// An HMAC-SHA256 key (RFC 2104), prepared; as `HmacSha1` in every other respect.
package struct HmacSha256: Sendable, BitwiseCopyable {
  /// Bytes in a tag.
  @inlinable package static var tagBytes: Int { @_noLocks get { 32 } }

  private var key = cc_hmac_sha256()

  /// Takes a secret of any length.
  @_noLocks
  package init(key secret: UnsafeRawBufferPointer) {
    unsafe cc_hmac_sha256_prepare(&key, secret.baseAddress, secret.count)
  }

  /// Takes a secret of any length.
  package init(key secret: some Collection<UInt8>) {
    let bytes = Array(secret)
    self = unsafe bytes.withUnsafeBytes { unsafe HmacSha256(key: $0) }
  }

  /// The tag of `head` followed by `tail`, written to the 32 bytes at `tag`.
  @_noLocks
  package func tag(
    _ head: UnsafeRawBufferPointer, _ tail: UnsafeRawBufferPointer,
    into tag: UnsafeMutablePointer<UInt8>
  ) {
    unsafe withUnsafePointer(to: key) { key in
      unsafe cc_hmac_sha256_tag(
        key, head.baseAddress, head.count, tail.baseAddress, tail.count, tag)
    }
  }

  /// The tag of `message`.
  @_noLocks
  package func tag(_ message: UnsafeRawBufferPointer) -> [32 of UInt8] {
    var result = [32 of UInt8](repeating: 0)
    unsafe withUnsafeMutableBytes(of: &result) { result in
      let tag = unsafe result.baseAddress!.assumingMemoryBound(to: UInt8.self)
      unsafe self.tag(message, UnsafeRawBufferPointer(start: nil, count: 0), into: tag)
    }
    return result
  }
}
