extension StunMessage {
  /// Reads the datagram `bytes` as one STUN message (RFC 8489, sections 5 and 14).
  ///
  /// Takes any input. The order of attributes is free; of a repeated one the first counts; unknown
  /// ones are stepped over. Looks at no more than `StunLimits.attributesMax` attributes. Allocates
  /// nothing. It checks neither MESSAGE-INTEGRITY (`StunIntegrity` does) nor FINGERPRINT
  /// (`fingerprintHolds`).
  @_noLocks
  package static func parse(_ bytes: RawSpan) -> StunParse {
    if let defect = headerDefect(bytes) { return .malformed(defect) }
    var message = StunMessage(
      type: StunMessageType(rawValue: bytes.u16(at: 0)),
      transactionID: StunTransactionID(high: bytes.u32(at: 8), low: bytes.u64(at: 12)),
      count: bytes.byteCount)
    if let defect = message.readAttributes(bytes) { return .malformed(defect) }
    return .message(message)
  }

  @_noLocks
  private static func headerDefect(_ bytes: RawSpan) -> StunDefect? {
    guard bytes.byteCount >= StunLimits.headerBytes else { return .short }
    guard bytes.u8(at: 0) < 0x40, bytes.u32(at: 4) == StunLimits.magicCookie else {
      return .notStun
    }
    let body = Int(bytes.u16(at: 2))
    guard body % 4 == 0, body == bytes.byteCount - StunLimits.headerBytes,
      body <= StunLimits.bodyBytesMax
    else { return .length }
    return nil
  }

  /// Walks the attributes; every offset it takes is at most `count`, which fits 16 bits.
  @_noLocks
  private mutating func readAttributes(_ bytes: RawSpan) -> StunDefect? {
    var offset = StunLimits.headerBytes
    var remaining = StunLimits.attributesMax
    var sealed = false
    while offset < count {
      guard remaining > 0 else { return .tooManyAttributes }
      guard fingerprintOffset == nil else { return .afterFingerprint }
      remaining -= 1
      // The body is a multiple of 4, so at least an attribute's header is left.
      let type = bytes.u16(at: offset)
      let length = Int(bytes.u16(at: offset + 2))
      let next = offset + 4 + (length + 3) & ~3
      guard next <= count else { return .attributeOverrun }
      if !sealed || type == StunAttribute.fingerprint {
        let valid = note(type, at: offset, length: length, in: bytes)
        guard valid else { return .attributeValue }
      }
      sealed = sealed || Self.seals(type)
      offset = next
    }
    return nil
  }

  /// Whether attributes after one of this type are not authenticated and so do not count.
  @_noLocks
  private static func seals(_ type: UInt16) -> Bool {
    type == StunAttribute.messageIntegrity || type == StunAttribute.messageIntegritySha256
  }

  /// Keeps what the attribute at `offset` says; false when it cannot say that.
  @_noLocks
  private mutating func note(
    _ type: UInt16, at offset: Int, length: Int, in bytes: RawSpan
  ) -> Bool {
    let value = offset + 4
    switch type {
    case StunAttribute.username:
      guard length >= 1, length <= StunLimits.usernameBytesMax else { return false }
      if case .none = username { username = ByteRange(offset: value, count: length) }
    case StunAttribute.messageIntegrity:
      guard length == 20 else { return false }
      integrityOffset = offset
    case StunAttribute.fingerprint:
      guard length == 4 else { return false }
      fingerprintOffset = offset
    case StunAttribute.priority:
      guard length == 4 else { return false }
      if priority == nil { priority = bytes.u32(at: value) }
    case StunAttribute.useCandidate:
      guard length == 0 else { return false }
      useCandidate = true
    case StunAttribute.iceControlling:
      guard length == 8 else { return false }
      if controlling == nil { controlling = bytes.u64(at: value) }
    case StunAttribute.iceControlled:
      guard length == 8 else { return false }
      if controlled == nil { controlled = bytes.u64(at: value) }
    case StunAttribute.xorMappedAddress:
      return noteMappedAddress(at: value, length: length, in: bytes)
    case StunAttribute.errorCode:
      return noteErrorCode(at: value, length: length, in: bytes)
    case StunAttribute.mappedAddress, StunAttribute.unknownAttributes, StunAttribute.realm,
      StunAttribute.nonce, StunAttribute.messageIntegritySha256:
      break
    default:
      if type < 0x8000 {
        if unknownRequired == nil { unknownRequired = type }
      } else if type | 1 == StunAttribute.dtlsInStunAcknowledgement {
        speaksDtlsInStun = true
      }
    }
    return true
  }

  /// XOR-MAPPED-ADDRESS (RFC 8489, section 14.2).
  @_noLocks
  private mutating func noteMappedAddress(
    at value: Int, length: Int, in bytes: RawSpan
  ) -> Bool {
    guard length == 8 || length == 20 else { return false }
    let family = bytes.u8(at: value + 1)
    guard family == (length == 8 ? 1 : 2) else { return false }
    if case .some = mappedAddress { return true }
    let cookie = StunLimits.magicCookie
    let port = bytes.u16(at: value + 2) ^ UInt16(truncatingIfNeeded: cookie >> 16)
    if length == 8 {
      mappedAddress = TransportAddress(ipv4: bytes.u32(at: value + 4) ^ cookie, port: port)
    } else {
      let mask = UInt64(cookie) << 32 | UInt64(transactionID.high)
      mappedAddress = TransportAddress(
        high: bytes.u64(at: value + 4) ^ mask, low: bytes.u64(at: value + 12) ^ transactionID.low,
        port: port)
    }
    return true
  }

  /// ERROR-CODE (RFC 8489, section 14.8).
  @_noLocks
  private mutating func noteErrorCode(at value: Int, length: Int, in bytes: RawSpan) -> Bool {
    guard length >= 4 else { return false }
    let hundreds = UInt16(bytes.u8(at: value + 2) & 7)
    let number = UInt16(bytes.u8(at: value + 3))
    guard (3...6).contains(hundreds), number < 100 else { return false }
    if errorCode == nil { errorCode = hundreds * 100 + number }
    return true
  }
}
