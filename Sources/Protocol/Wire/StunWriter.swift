/// Writes one STUN message (RFC 8489) into memory that the caller owns.
///
/// The header's length always matches what is written, so a message is complete after every call.
/// Order is the caller's: MESSAGE-INTEGRITY (`StunIntegrity.append`) last but for FINGERPRINT.
/// Traps when the memory is too small; `StunWriter.bytesMax` holds every message we write.
package struct StunWriter {
  /// Room for any message of ours: a check with the longest USERNAME fits.
  @inlinable package static var bytesMax: Int { @_noLocks get { 640 } }

  @usableFromInline var writer: ByteWriter
  @usableFromInline let transactionID: StunTransactionID

  /// Starts a message at the beginning of `buffer`, which must outlive the writer.
  @_noLocks
  package init(
    into buffer: UnsafeMutableRawBufferPointer, type: StunMessageType,
    transactionID: StunTransactionID
  ) {
    unsafe writer = ByteWriter(into: buffer)
    self.transactionID = transactionID
    writer.append(u16: type.rawValue)
    writer.append(u16: 0)
    writer.append(u32: StunLimits.magicCookie)
    writer.append(u32: transactionID.high)
    writer.append(u64: transactionID.low)
  }

  /// Bytes in the message so far, header included.
  @inlinable package var count: Int { @_noLocks get { writer.count } }

  /// The message so far, valid as long as the caller's memory is.
  @inlinable package var written: UnsafeRawBufferPointer { @_noLocks get { unsafe writer.written } }

  /// USERNAME as ICE forms it: the receiver's ufrag, a colon, the sender's.
  @_noLocks
  package mutating func append(usernameOf receiver: RawSpan, from sender: RawSpan) {
    let length = receiver.byteCount + 1 + sender.byteCount
    begin(StunAttribute.username, length: length)
    writer.append(receiver)
    writer.append(u8: UInt8(ascii: ":"))
    writer.append(sender)
    pad(length)
  }

  /// PRIORITY: what a candidate found by this check shall have (RFC 8445, section 7.1.1).
  @_noLocks
  package mutating func append(priority: UInt32) {
    begin(StunAttribute.priority, length: 4)
    writer.append(u32: priority)
  }

  /// USE-CANDIDATE: nominates the path (RFC 8445, section 7.1.2).
  @_noLocks
  package mutating func appendUseCandidate() {
    begin(StunAttribute.useCandidate, length: 0)
  }

  /// ICE-CONTROLLING: when both agents mean to control, the greater number does (RFC 8445,
  /// section 7.3.1.1).
  @_noLocks
  package mutating func append(controllingTieBreaker tieBreaker: UInt64) {
    begin(StunAttribute.iceControlling, length: 8)
    writer.append(u64: tieBreaker)
  }

  /// ICE-CONTROLLED: when both agents mean to be controlled, the greater number controls (RFC
  /// 8445, section 7.3.1.1).
  @_noLocks
  package mutating func append(controlledTieBreaker tieBreaker: UInt64) {
    begin(StunAttribute.iceControlled, length: 8)
    writer.append(u64: tieBreaker)
  }

  /// XOR-MAPPED-ADDRESS (RFC 8489, section 14.2).
  @_noLocks
  package mutating func append(xorMappedAddress address: TransportAddress) {
    let cookie = StunLimits.magicCookie
    begin(StunAttribute.xorMappedAddress, length: address.isIPv4 ? 8 : 20)
    writer.append(u16: address.isIPv4 ? 1 : 2)
    writer.append(u16: address.port ^ UInt16(truncatingIfNeeded: cookie >> 16))
    if address.isIPv4 {
      writer.append(u32: address.ipv4 ^ cookie)
    } else {
      writer.append(u64: address.high ^ (UInt64(cookie) << 32 | UInt64(transactionID.high)))
      writer.append(u64: address.low ^ transactionID.low)
    }
  }

  /// ERROR-CODE with a number of 300 to 699 and an ASCII reason (RFC 8489, section 14.8).
  @_noLocks
  package mutating func append(errorCode: UInt16, reason: StaticString) {
    precondition((300...699).contains(errorCode))
    let length = 4 + reason.utf8CodeUnitCount
    begin(StunAttribute.errorCode, length: length)
    writer.append(u16: 0)
    writer.append(u8: UInt8(truncatingIfNeeded: errorCode / 100))
    writer.append(u8: UInt8(truncatingIfNeeded: errorCode % 100))
    unsafe writer.append(
      UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount))
    pad(length)
  }

  /// UNKNOWN-ATTRIBUTES naming one type, for a 420 answer (RFC 8489, section 14.9).
  @_noLocks
  package mutating func append(unknownAttribute type: UInt16) {
    begin(StunAttribute.unknownAttributes, length: 2)
    writer.append(u16: type)
    pad(2)
  }

  /// Says that we know of DTLS in STUN and have nothing to send or to acknowledge there. A client
  /// that has asked and finds neither attribute in the answer drops what it held ready, and begins
  /// its handshake again two round trips later (Chromium 156).
  @_noLocks
  package mutating func appendEmptyDtlsInStun() {
    begin(StunAttribute.dtlsInStunAcknowledgement, length: 0)
    begin(StunAttribute.dtlsInStunData, length: 0)
  }

  /// An attribute of any type, for SOFTWARE and for tests.
  @_noLocks
  package mutating func append(attribute type: UInt16, _ value: RawSpan) {
    begin(type, length: value.byteCount)
    writer.append(value)
    pad(value.byteCount)
  }

  /// MESSAGE-INTEGRITY with an empty tag; returns the offset of the tag's 20 bytes. The header's
  /// length then is the one that the tag is computed with. `StunIntegrity.append` calls this.
  @_noLocks
  package mutating func appendIntegrityPlaceholder() -> Int {
    begin(StunAttribute.messageIntegrity, length: 20)
    writer.append(zeros: 20)
    return count - 20
  }

  /// FINGERPRINT over everything before it; nothing may be appended after it.
  @_noLocks
  package mutating func appendFingerprint() {
    begin(StunAttribute.fingerprint, length: 4)
    var crc = Crc32()
    unsafe crc.update(UnsafeRawBufferPointer(start: written.baseAddress, count: count - 4))
    writer.append(u32: crc.value ^ StunMessage.fingerprintMask)
  }

  /// Writes an attribute header and makes the message's length count the whole attribute.
  @_noLocks
  private mutating func begin(_ type: UInt16, length: Int) {
    writer.append(u16: type)
    writer.append(u16: UInt16(length))
    let body = count + (length + 3) & ~3 - StunLimits.headerBytes
    writer.patch(u16: UInt16(body), at: 2)
  }

  @_noLocks
  private mutating func pad(_ length: Int) {
    writer.append(zeros: -length & 3)
  }
}
