/// An index of one STUN message (RFC 8489): where its attributes are and what the small ones say.
///
/// Trivially copyable and meaningful only beside the bytes it was parsed from. It lists what ICE
/// (RFC 8445) uses; other attributes are stepped over, and the first of them that may not be
/// ignored is reported. What follows MESSAGE-INTEGRITY is not authenticated and is not listed,
/// except FINGERPRINT (RFC 8489, section 14.5).
package struct StunMessage: Equatable, Sendable, BitwiseCopyable {
  /// Any class and method of 14 bits: the parser refuses none.
  package internal(set) var type: StunMessageType
  /// As received: a response goes out under the same one, and counts only if we asked with it.
  package internal(set) var transactionID: StunTransactionID
  /// Bytes in the message, header included; equal to the datagram's.
  package internal(set) var count: Int

  /// The value of USERNAME, 1 to 508 bytes of anything.
  package internal(set) var username: ByteRange?
  /// Where the MESSAGE-INTEGRITY attribute begins: the first byte that it does not cover.
  package internal(set) var integrityOffset: Int?
  /// Where the FINGERPRINT attribute begins: the first byte that it does not cover.
  package internal(set) var fingerprintOffset: Int?

  /// USE-CANDIDATE is there: the client nominates this path.
  package internal(set) var useCandidate = false
  /// PRIORITY, any 32 bits: what a candidate found by this check would have (RFC 8445,
  /// section 7.1.1).
  package internal(set) var priority: UInt32?
  /// The tie-breaker of ICE-CONTROLLING.
  package internal(set) var controlling: UInt64?
  /// The tie-breaker of ICE-CONTROLLED.
  package internal(set) var controlled: UInt64?
  /// XOR-MAPPED-ADDRESS, unmasked.
  package internal(set) var mappedAddress: TransportAddress?
  /// The number of ERROR-CODE, 300 to 699.
  package internal(set) var errorCode: UInt16?
  /// One of the attributes is there by which DTLS may ride in STUN.
  package internal(set) var speaksDtlsInStun = false
  /// The first comprehension-required attribute that this parser does not know.
  package internal(set) var unknownRequired: UInt16?

  @_noLocks
  init(type: StunMessageType, transactionID: StunTransactionID, count: Int) {
    self.type = type
    self.transactionID = transactionID
    self.count = count
  }
}

/// Why some bytes are not a STUN message that we take.
package enum StunDefect: UInt8, Error, CaseIterable, Sendable, BitwiseCopyable {
  /// Fewer than the 20 bytes of a header.
  case short
  /// The first two bits are not zero, or the magic cookie is missing.
  case notStun
  /// The length field is not a multiple of 4 or differs from the datagram's.
  case length
  /// An attribute runs over the end.
  case attributeOverrun
  /// A known attribute has a length or a content it cannot have.
  case attributeValue
  /// More than `StunLimits.attributesMax` attributes.
  case tooManyAttributes
  /// Something follows FINGERPRINT.
  case afterFingerprint
}

/// What `StunMessage.parse` made of some bytes.
package enum StunParse: Equatable, Sendable, BitwiseCopyable {
  case message(StunMessage)
  case malformed(StunDefect)
}

/// The sizes and bounds of STUN, in one place.
package enum StunLimits {
  /// Bytes in a message header.
  @inlinable package static var headerBytes: Int { @_noLocks get { 20 } }
  /// Bytes behind the header: no UDP datagram holds more, and every offset fits 16 bits.
  @inlinable package static var bodyBytesMax: Int { @_noLocks get { 65_500 } }
  /// The attributes that one message may have; browsers send 6 to 10.
  @inlinable package static var attributesMax: Int { @_noLocks get { 32 } }
  /// Bytes in USERNAME (RFC 8489, section 14.3).
  @inlinable package static var usernameBytesMax: Int { @_noLocks get { 508 } }
  /// Bytes 4 to 7 of every message (RFC 8489, section 5); it masks addresses, too.
  @inlinable package static var magicCookie: UInt32 { @_noLocks get { 0x2112_A442 } }
  /// Bytes that MESSAGE-INTEGRITY takes, header included.
  @inlinable package static var integrityBytes: Int { @_noLocks get { 24 } }
  /// Bytes that FINGERPRINT takes, header included.
  @inlinable package static var fingerprintBytes: Int { @_noLocks get { 8 } }
}

/// The attribute types that ICE agents exchange (RFC 8489, section 18.3; RFC 8445, section 20.2).
package enum StunAttribute {
  /// For clients of RFC 3489: unmasked (RFC 8489, section 14.1). Known, and not read.
  @inlinable package static var mappedAddress: UInt16 { @_noLocks get { 0x0001 } }
  /// 1 to 508 bytes (RFC 8489, section 14.3); in ICE the receiver's ufrag, a colon, the sender's.
  @inlinable package static var username: UInt16 { @_noLocks get { 0x0006 } }
  /// 20 bytes of HMAC-SHA1 (RFC 8489, section 14.5). Of what follows it only FINGERPRINT counts.
  @inlinable package static var messageIntegrity: UInt16 { @_noLocks get { 0x0008 } }
  /// A number of 300 to 699 and a reason in UTF-8 (RFC 8489, section 14.8).
  @inlinable package static var errorCode: UInt16 { @_noLocks get { 0x0009 } }
  /// 16-bit types, in an answer with error 420 (RFC 8489, section 14.13). Known, and not read.
  @inlinable package static var unknownAttributes: UInt16 { @_noLocks get { 0x000A } }
  /// Of long-term credentials (RFC 8489, section 14.9), which ICE does not use. Known, not read.
  @inlinable package static var realm: UInt16 { @_noLocks get { 0x0014 } }
  /// Of long-term credentials (RFC 8489, section 14.10), as REALM. Known, and not read.
  @inlinable package static var nonce: UInt16 { @_noLocks get { 0x0015 } }
  /// 16 to 32 bytes of HMAC-SHA256 (RFC 8489, section 14.6). Nobody here verifies it; of what
  /// follows it only FINGERPRINT counts.
  @inlinable package static var messageIntegritySha256: UInt16 { @_noLocks get { 0x001C } }
  /// The address under the cookie and the transaction ID, since NATs rewrite addresses that they
  /// recognise (RFC 8489, section 14.2). 8 bytes for IPv4, 20 for IPv6.
  @inlinable package static var xorMappedAddress: UInt16 { @_noLocks get { 0x0020 } }
  /// 4 bytes: the priority of a candidate found by this check (RFC 8445, section 7.1.1).
  @inlinable package static var priority: UInt16 { @_noLocks get { 0x0024 } }
  /// Empty: the controlling agent nominates the path (RFC 8445, section 7.1.2).
  @inlinable package static var useCandidate: UInt16 { @_noLocks get { 0x0025 } }
  /// Text for people, below 128 characters (RFC 8489, section 14.14). Stepped over.
  @inlinable package static var software: UInt16 { @_noLocks get { 0x8022 } }
  /// 4 bytes: CRC-32 under a mask (RFC 8489, section 14.7). Nothing may follow it.
  @inlinable package static var fingerprint: UInt16 { @_noLocks get { 0x8028 } }
  /// 8 bytes: the tie-breaker of who means to be controlled (RFC 8445, section 7.1.3).
  @inlinable package static var iceControlled: UInt16 { @_noLocks get { 0x8029 } }
  /// 8 bytes: the tie-breaker of who means to control (RFC 8445, section 7.1.3).
  @inlinable package static var iceControlling: UInt16 { @_noLocks get { 0x802A } }
  /// One datagram of DTLS; empty from who has none to send (draft-hancke-webrtc-sped-00, which
  /// leaves both numbers open; these are Chromium's).
  @inlinable package static var dtlsInStunData: UInt16 { @_noLocks get { 0xC070 } }
  /// CRC-32 sums of the datagrams that came so.
  @inlinable package static var dtlsInStunAcknowledgement: UInt16 { @_noLocks get { 0xC071 } }
}
