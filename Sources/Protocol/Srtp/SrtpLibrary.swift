internal import CSrtp

/// Whose ciphers and hashes a context has.
package enum SrtpCryptography: Sendable, CaseIterable {
  /// libcrypto's. Calls have these: they cost a third and less, and take no memory for a packet.
  case libcrypto
  /// Those that libsrtp2 was built with (NSS in Debian): to compare with, in tests and benchmarks.
  /// The first context of a kind after one of the other takes 20 ms.
  case asShipped
}

/// libsrtp2 of this process.
package enum SrtpLibrary {
  /// Starts libsrtp2, puts libcrypto's ciphers and hashes in the place of its own and lets it test
  /// them (RFC 3711, section B.2; RFC 7714, section 16.1.1; RFC 2202, section 3). That takes 20 ms
  /// which no call shall wait for: the first context would do it otherwise. Any thread; the second
  /// time it does nothing.
  ///
  /// - Throws: `SrtpFailure` when libsrtp2 does not start or its self-test refuses an algorithm.
  package static func prepare() throws(SrtpFailure) {
    guard let words = unsafe csrtp_prepare() else { return }
    throw unsafe SrtpFailure(description: String(cString: words))
  }
}

/// Why there can be no SRTP in this process: a sentence for operators.
package struct SrtpFailure: Error, CustomStringConvertible {
  package let description: String
}
