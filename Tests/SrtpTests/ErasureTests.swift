import CProbe
import Srtp
import Testing
import Wire

/// What a context has derived from its master keys is erased before its memory goes back.
@Suite struct ErasureTests {
  /// A secret that lies in the memory of a context with master keys of 7s.
  struct Secret: Sendable {
    let name: String
    let profile: SrtpProfile
    let bytes: @Sendable (ReferenceSender) -> [UInt8]
  }

  private static let secrets = [
    Secret(name: "GCM, RTP", profile: .aeadAes128Gcm) { $0.rtp.cipher },
    Secret(name: "GCM, RTCP", profile: .aeadAes128Gcm) { $0.rtcp.cipher },
    Secret(name: "GCM, salt", profile: .aeadAes128Gcm) { $0.rtp.salt },
    Secret(name: "counter mode, RTP", profile: .aes128CmSha1Tag80) { $0.rtp.cipher },
    Secret(name: "counter mode, RTCP", profile: .aes128CmSha1Tag80) { $0.rtcp.cipher },
    Secret(name: "counter mode, salt", profile: .aes128CmSha1Tag80) { $0.rtp.salt },
    Secret(name: "HMAC, inner", profile: .aes128CmSha1Tag80) { state($0.rtp, 0x36) },
    Secret(name: "HMAC, outer", profile: .aes128CmSha1Tag80) { state($0.rtcp, 0x5C) },
  ]

  /// What HMAC keeps of its key: SHA-1 after the padded key, in the machine's order.
  private static func state(_ keys: ReferenceSender.Keys, _ byte: UInt8) -> [UInt8] {
    Reference.words(hashing: Reference.padding(keys.authentication, byte)).flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }

  @Test(arguments: secrets.indices) func itIsErased(index: Int) throws {
    let secret = Self.secrets[index]
    let master = [UInt8](repeating: 7, count: secret.profile.masterByteCount)
    let pattern = secret.bytes(ReferenceSender(secret.profile, master: master))
    let keys = try #require(
      SrtpKeys(profile: secret.profile, local: master, remote: master))
    var context = SrtpContext(keys: keys)
    var packet = try #require(context?.protect(rtp(sequence: 1)))
    #expect(context?.unprotect(&packet) == .ok)
    unsafe pattern.withUnsafeBytes { pattern in
      guard unsafe probe_watch_frees(pattern.baseAddress, pattern.count) else { return }
      // Whoever does not erase it is seen.
      let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: pattern.count + 64, alignment: 16)
      unsafe copy.copyMemory(from: UnsafeRawBufferPointer(pattern))
      unsafe copy.deallocate()
      #expect(probe_watched_frees() == 1, "\(secret.name)")
      context = nil
      #expect(probe_watched_frees() == 1, "\(secret.name)")
      _ = probe_watch_frees(nil, 0)
    }
  }
}
