internal import CDtls

// Between C's fixed-size structs and ours.

extension dtls_options {
  /// Takes the first `DTLS_FINGERPRINTS_MAX` of them.
  mutating func setFingerprints(_ fingerprints: [DtlsFingerprint]) {
    let count = min(fingerprints.count, Int(DTLS_FINGERPRINTS_MAX))
    unsafe withUnsafeMutableBytes(of: &self.fingerprints) { bytes in
      let slots = unsafe bytes.bindMemory(to: dtls_fingerprint.self)
      for (index, fingerprint) in fingerprints.prefix(count).enumerated() {
        unsafe slots[index].hash = fingerprint.hash.rawValue
        unsafe withUnsafeMutableBytes(of: &slots[index].digest) {
          unsafe $0.copyBytes(from: fingerprint.digest)
        }
      }
    }
    fingerprint_count = UInt32(count)
  }
}

extension DtlsSrtpKeys {
  init(_ masters: dtls_srtp_masters, role: DtlsRole) {
    let count = Int(masters.master_bytes)
    let client = unsafe withUnsafeBytes(of: masters.client) { unsafe Array($0.prefix(count)) }
    let server = unsafe withUnsafeBytes(of: masters.server) { unsafe Array($0.prefix(count)) }
    profile = masters.profile
    local = role == .active ? client : server
    remote = role == .active ? server : client
  }
}

extension DtlsRecordFilter.Expected {
  init(_ expected: dtls_expected) {
    switch expected {
    case DTLS_EXPECTS_CLIENT_HELLO: self = .clientHello
    case DTLS_EXPECTS_CERTIFICATE: self = .certificate
    case DTLS_EXPECTS_CLIENT_KEY_EXCHANGE: self = .clientKeyExchange
    case DTLS_EXPECTS_CERTIFICATE_VERIFY: self = .certificateVerify
    case DTLS_EXPECTS_SERVER_HELLO: self = .serverHello
    case DTLS_EXPECTS_SERVER_KEY_EXCHANGE: self = .serverKeyExchange
    case DTLS_EXPECTS_CERTIFICATE_REQUEST: self = .certificateRequest
    case DTLS_EXPECTS_SERVER_HELLO_DONE: self = .serverHelloDone
    case DTLS_EXPECTS_CHANGE_CIPHER_SPEC: self = .changeCipherSpec
    case DTLS_EXPECTS_FINISHED: self = .finished
    default: self = .applicationData
    }
  }
}
