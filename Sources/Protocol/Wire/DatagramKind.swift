/// What a datagram on a WebRTC port is, told by its first byte (RFC 7983, section 7, as updated by
/// RFC 9443).
package enum DatagramKind: UInt8, Sendable {
  /// First byte 0 to 3: STUN (RFC 8489).
  case stun
  /// First byte 20 to 63: DTLS.
  case dtls
  /// First byte 128 to 191: RTP and RTCP, which RFC 5761 tells apart.
  case media
  /// Everything else: ZRTP, TURN channels and QUIC, which no client of ours sends; and junk.
  case other

  /// The kind of a datagram that begins with `firstByte`; an empty one is `other` by the caller.
  @_noLocks @inlinable
  package static func classify(firstByte: UInt8) -> DatagramKind {
    switch firstByte {
    case 0...3: .stun
    case 20...63: .dtls
    case 128...191: .media
    default: .other
    }
  }
}
