extension StunMessage {
  /// What the CRC is combined with, so that it differs from one that the payload may carry
  /// (RFC 8489, section 14.7).
  @usableFromInline static var fingerprintMask: UInt32 { @_noLocks get { 0x5354_554E } }

  /// Whether FINGERPRINT is there and right. It proves nothing about the sender.
  @_noLocks
  package func fingerprintHolds(in bytes: RawSpan) -> Bool {
    guard let offset = fingerprintOffset else { return false }
    var crc = Crc32()
    crc.update(bytes, count: offset)
    return bytes.u32(at: offset + 4) == crc.value ^ Self.fingerprintMask
  }
}
