internal import CSrtp

/// The SRTP protection profiles we speak, by IANA's number (RFC 5764, section 4.1.2).
package enum SrtpProfile: UInt16, Sendable, CaseIterable {
  /// AES-128 in counter mode with an 80-bit HMAC-SHA1 tag (RFC 3711).
  case aes128CmSha1Tag80 = 1
  /// AES-128-GCM with a 128-bit tag (RFC 7714). The cheaper one.
  case aeadAes128Gcm = 7

  /// Bytes of a master key and its salt.
  package var masterByteCount: Int { csrtp_master_bytes(UInt32(rawValue)) }

  /// Bytes that end an SRTP packet.
  package var tagByteCount: Int { self == .aeadAes128Gcm ? 16 : 10 }

  /// The name that the W3C's statistics use.
  package var name: String {
    self == .aeadAes128Gcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80"
  }
}

/// Both directions' master keys of one call. Secret: never to be printed.
package struct SrtpKeys: Sendable {
  /// What the DTLS handshake agreed on (RFC 5764). Both keys have its `masterByteCount`.
  package let profile: SrtpProfile
  let local: [UInt8]
  let remote: [UInt8]

  /// `local` and `remote` hold master key, then salt, of what this end and its peer send. Nil
  /// when a length is not the profile's.
  package init?(profile: SrtpProfile, local: [UInt8], remote: [UInt8]) {
    guard local.count == profile.masterByteCount, remote.count == profile.masterByteCount else {
      return nil
    }
    self.profile = profile
    self.local = local
    self.remote = remote
  }
}
