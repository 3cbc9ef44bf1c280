internal import CSrtp

/// What became of a packet.
package enum SrtpStatus: UInt8, Equatable, Sendable {
  case ok
  /// The tag does not hold: forged, damaged, or under other keys.
  case authentication
  /// This packet was taken before.
  case replayed
  /// Older than the replay window (128 packets).
  case old
  /// Too short, or its header is impossible.
  case malformed
  /// SRTCP whose sender left it unencrypted (E=0), which WebRTC never does.
  case unencrypted
  /// A new source beyond the number that a call may have.
  case unknownSource
  /// libsrtp refused for a reason of its own, such as a key at the end of its life.
  case failed
}

/// The SRTP state of one call, both directions (RFC 3711). Packets are protected and unprotected in
/// place. One thread at a time. Never stored and resumed: that would use a keystream twice.
@safe package final class SrtpContext {
  /// Room that must follow a packet which is to be protected.
  package static let overheadByteCount = 32
  /// Sources (SSRCs) that a peer may use: microphone, its retransmissions, a few replacements.
  package static let sourcesMaximum = 8  // as long as `sources`

  /// The keys' own: one for both directions, as long as the call lasts.
  package let profile: SrtpProfile
  /// Whether the last packet that was taken apart (`.ok`) is ahead of every earlier one of its
  /// source, RTP and RTCP each for itself. One that somebody has kept back may be new to the replay
  /// window; this it is not, once a later one has come.
  package private(set) var tookNewest = false
  private let pair: OpaquePointer
  private var sources = [8 of SrtpSource](repeating: SrtpSource(ssrc: 0))
  private var sourceCount = 0

  /// Nil only when libsrtp cannot start (`SrtpLibrary.prepare` says why) or memory is short.
  /// Allocates; the packets do not, but for the first of a source.
  package init?(keys: SrtpKeys, cryptography: SrtpCryptography = .libcrypto) {
    let kind = cryptography == .libcrypto ? CSRTP_BY_LIBCRYPTO : CSRTP_AS_SHIPPED
    guard
      let pair = unsafe csrtp_create(
        UInt32(keys.profile.rawValue), kind, keys.local, keys.remote)
    else { return nil }
    unsafe self.pair = pair
    profile = keys.profile
  }

  deinit { unsafe csrtp_free(pair) }

  /// Protects the RTP packet in the first `length` bytes; `length` becomes the SRTP packet's.
  /// The buffer must have `overheadByteCount` bytes more than `length`.
  package func protectRtp(
    _ buffer: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> SrtpStatus {
    precondition(length >= 0 && length <= buffer.count - Self.overheadByteCount, "no room")
    return SrtpStatus(unsafe csrtp_protect_rtp(pair, buffer.baseAddress!, &length))
  }

  /// Takes the SRTP packet in the first `length` bytes apart; on `.ok`, and only then, they are an
  /// RTP packet and `length` is its own. After any other status the bytes are not to be used.
  package func unprotectRtp(
    _ buffer: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> SrtpStatus {
    guard length <= buffer.count, length >= 12 + profile.tagByteCount else { return .malformed }
    let ssrc = unsafe buffer.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let source = place(of: ssrc)
    guard source < Self.sourcesMaximum else { return .unknownSource }
    let status = SrtpStatus(unsafe csrtp_unprotect_rtp(pair, buffer.baseAddress!, &length))
    guard status == .ok else { return status }
    keep(ssrc, at: source)
    let number = unsafe buffer.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    tookNewest = sources[source].isNewest(sequenceNumber: UInt16(bigEndian: number))
    return .ok
  }

  /// As `protectRtp`, for a compound RTCP packet.
  package func protectRtcp(
    _ buffer: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> SrtpStatus {
    precondition(length >= 0 && length <= buffer.count - Self.overheadByteCount, "no room")
    return SrtpStatus(unsafe csrtp_protect_rtcp(pair, buffer.baseAddress!, &length))
  }

  /// As `unprotectRtp`, for SRTCP. One that is only signed (E=0) is refused.
  package func unprotectRtcp(
    _ buffer: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> SrtpStatus {
    let trailer = 4 + profile.tagByteCount
    guard length <= buffer.count, length >= 8 + trailer else { return .malformed }
    // The index word is last under GCM (RFC 7714, section 9.2), before the tag otherwise.
    let word = profile == .aeadAes128Gcm ? length - 4 : length - trailer
    guard unsafe buffer[word] & 0x80 != 0 else { return .unencrypted }
    let index = unsafe UInt32(
      bigEndian: buffer.loadUnaligned(fromByteOffset: word, as: UInt32.self))
    let ssrc = unsafe buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    let source = place(of: ssrc)
    guard source < Self.sourcesMaximum else { return .unknownSource }
    let status = SrtpStatus(unsafe csrtp_unprotect_rtcp(pair, buffer.baseAddress!, &length))
    guard status == .ok else { return status }
    keep(ssrc, at: source)
    tookNewest = sources[source].isNewest(rtcpIndex: index & 0x7FFF_FFFF)
    return .ok
  }

  /// Where a source is kept, or would be; `sourcesMaximum` when there is no room for it. libsrtp
  /// keeps a stream for every authenticated source for ever; a client must not grow them.
  private func place(of ssrc: UInt32) -> Int {
    for index in 0..<sourceCount where sources[index].ssrc == ssrc { return index }
    return sourceCount
  }

  private func keep(_ ssrc: UInt32, at place: Int) {
    guard place == sourceCount else { return }
    sources[place] = SrtpSource(ssrc: ssrc)
    sourceCount += 1
  }
}

extension SrtpStatus {
  fileprivate init(_ status: csrtp_status) {
    switch status {
    case CSRTP_OK: self = .ok
    case CSRTP_AUTHENTICATION: self = .authentication
    case CSRTP_REPLAYED: self = .replayed
    case CSRTP_OLD: self = .old
    case CSRTP_MALFORMED: self = .malformed
    default: self = .failed
    }
  }
}
