internal import CCrypto
package import Wire

/// MESSAGE-INTEGRITY with a short-term credential (RFC 8489, sections 9.1 and 14.5): HMAC-SHA1
/// keyed with the ICE password of who receives the request.
package enum StunIntegrity {
  /// Whether `message`, parsed from `bytes`, carries MESSAGE-INTEGRITY made with `key`. False when
  /// it carries none. Allocates nothing.
  @_noLocks
  package static func verify(
    _ bytes: RawSpan, _ message: StunMessage, key: HmacSha1
  ) -> Bool {
    guard let offset = message.integrityOffset else { return false }
    // Holds for everything that StunMessage.parse returns beside the same bytes.
    let length = bytes.byteCount
    precondition(offset + StunLimits.integrityBytes <= length, "not the bytes of this message")
    return unsafe bytes.withUnsafeBytes { bytes in
      var expected = (UInt64(0), UInt64(0), UInt32(0))
      return unsafe withUnsafeMutablePointer(to: &expected) { expected in
        let tag = unsafe UnsafeMutableRawPointer(expected).assumingMemoryBound(to: UInt8.self)
        unsafe computeTag(bytes, coveredTo: offset, key: key, into: tag)
        return unsafe cc_equal(tag, bytes.baseAddress! + offset + 4, HmacSha1.tagBytes) == 1
      }
    }
  }

  /// Appends MESSAGE-INTEGRITY over everything written so far. Only FINGERPRINT may follow.
  /// Allocates nothing.
  @_noLocks
  package static func append(to writer: inout StunWriter, key: HmacSha1) {
    let offset = writer.appendIntegrityPlaceholder()
    let bytes = unsafe UnsafeMutableRawBufferPointer(mutating: writer.written)
    let tag = unsafe (bytes.baseAddress! + offset).assumingMemoryBound(to: UInt8.self)
    unsafe computeTag(UnsafeRawBufferPointer(bytes), coveredTo: offset - 4, key: key, into: tag)
  }

  /// The tag of the first `end` bytes, with the header's length counting MESSAGE-INTEGRITY as the
  /// last attribute, as the sender saw it when it made the tag.
  @_noLocks
  private static func computeTag(
    _ bytes: UnsafeRawBufferPointer, coveredTo end: Int, key: HmacSha1,
    into tag: UnsafeMutablePointer<UInt8>
  ) {
    let length = UInt16(end + StunLimits.integrityBytes - StunLimits.headerBytes)
    var head = unsafe bytes.loadUnaligned(as: UInt32.self)
    unsafe withUnsafeMutableBytes(of: &head) { head in
      unsafe head.storeBytes(of: length.bigEndian, toByteOffset: 2, as: UInt16.self)
      let tail = unsafe UnsafeRawBufferPointer(rebasing: bytes[4..<end])
      unsafe key.tag(UnsafeRawBufferPointer(head), tail, into: tag)
    }
  }
}
