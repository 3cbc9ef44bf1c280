internal import CDtls

/// A private key and its self-signed certificate, with which this process answers calls. Made
/// once at start, lives in memory only, shared by all threads.
@safe package final class DtlsIdentity: @unchecked Sendable {
  // SAFETY: written once here; OpenSSL's contexts are safe to use from several threads.
  let handle: OpaquePointer

  private init(handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe dtls_identity_free(handle) }

  /// A fresh ECDSA P-256 key and certificate (valid for 30 days). Some milliseconds of work.
  package static func generate() throws(DtlsSetupError) -> DtlsIdentity {
    let handle = unsafe try DtlsSetupError.orObject { reason in
      unsafe dtls_identity_create(reason)
    }
    return unsafe DtlsIdentity(handle: handle)
  }

  /// The certificate's fingerprint, for the SDP.
  package func fingerprint(_ hash: DtlsHash = .sha256) -> DtlsFingerprint {
    var digest: [UInt8] = Array(repeating: 0, count: Int(DTLS_DIGEST_BYTES_MAX))
    let count = unsafe digest.withUnsafeMutableBufferPointer {
      unsafe dtls_identity_digest(handle, hash.rawValue, $0.baseAddress!)
    }
    guard let made = DtlsFingerprint(hash: hash, digest: Array(digest.prefix(count))) else {
      preconditionFailure("OpenSSL cannot hash a certificate it made")
    }
    return made
  }
}
