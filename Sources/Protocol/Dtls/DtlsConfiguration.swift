/// What an `OpenSslDtls` is made with.
package struct DtlsConfiguration: Sendable {
  /// Largest datagram that an endpoint sends or reads, in bytes.
  package static let datagramBytesMax = 2048

  package var role: DtlsRole
  /// The peer's certificate must match one of these; the first eight count.
  package var fingerprints: [DtlsFingerprint]
  /// Largest datagram to send, 228...2,048 bytes.
  package var mtu: Int = 1200
  /// The first wait for an answer; each further one is twice as long, up to a second. OpenSSL's
  /// own first wait of a second would make one lost datagram a second's delay.
  package var firstTimeoutMilliseconds: UInt64 = 60
  /// How long the handshake may take.
  package var handshakeTimeoutMilliseconds: UInt64 = 10_000
  /// How often a killed handshake is put back on its feet, at once and then each second. Each costs
  /// up to 1 ms of CPU, so that who forges what kills handshakes costs 64 ms and then 32 ms a
  /// second, until the handshake's time is over. What comes while it waits for its turn is lost.
  package var restartsAtOnce: UInt64 = 64
  package var restartsPerSecond: UInt64 = 32
  /// How often a handshake that a peer's repetitions do not bring on is taken back some way.
  package var rewindsMaximum = 8
  /// How long a peer that has shown a wrong certificate to be its own has for the right one.
  package var wrongCertificateMilliseconds: UInt64 = 500
  /// Whether this end does as RFC 7627 says, and wants its peer to. A peer of before it does not:
  /// that is for tests.
  package var bindsKeys = true

  package init(role: DtlsRole, fingerprints: [DtlsFingerprint]) {
    self.role = role
    self.fingerprints = fingerprints
  }
}
