/// What an `OpenSslDtls` is made with.
package struct DtlsConfiguration: Sendable {
  /// Largest datagram that an endpoint sends or reads, in bytes.
  package static let datagramBytesMax = 2048
  /// OpenSSL makes no smaller flights: 256 bytes without the headers of IP and UDP.
  private static let mtuMin = 228

  /// Which end this is.
  package var role: DtlsRole
  /// The peer's certificate must match one of these (RFC 8122, section 5); the first eight count.
  /// With none, no certificate matches.
  package var fingerprints: [DtlsFingerprint]
  /// Largest datagram of a flight, 228...2,048 bytes. Application data is not cut to it.
  package var mtu: Int = 1200
  /// The first wait for an answer, 1 or more; each further one is twice as long, up to a second.
  /// OpenSSL's own first wait of a second (RFC 6347, section 4.2.4.1) would make one lost datagram
  /// a second's delay.
  package var firstTimeoutMilliseconds: UInt64 = 60
  /// How long the handshake may take, 1 or more.
  package var handshakeTimeoutMilliseconds: UInt64 = 10_000
  /// How often a killed handshake is put back on its feet, at once and then each second, both 1 or
  /// more. Each costs up to 1 ms of CPU, so that who forges what kills handshakes costs 64 ms and
  /// then 32 ms a second, until the handshake's time is over. What comes while it waits for its
  /// turn is lost.
  package var restartsAtOnce: UInt64 = 64
  /// See `restartsAtOnce`. 1...1,000,000,000.
  package var restartsPerSecond: UInt64 = 32
  /// How often a handshake that a peer's repetitions do not bring on is taken back some way; 0:
  /// never.
  package var rewindsMaximum = 8
  /// How long a peer that has shown a wrong certificate to be its own has for the right one.
  package var wrongCertificateMilliseconds: UInt64 = 500
  /// Whether this end does as RFC 7627 says, and wants its peer to. A peer of before it does not:
  /// that is for tests.
  package var bindsKeys = true

  /// With the defaults above, which are what a service wants.
  package init(role: DtlsRole, fingerprints: [DtlsFingerprint]) {
    self.role = role
    self.fingerprints = fingerprints
  }

  /// Stops the program over a value outside its range: none of them comes from outside.
  func checkRanges() {
    precondition(
      mtu >= Self.mtuMin && mtu <= Self.datagramBytesMax, "an MTU that OpenSSL does not take")
    precondition(firstTimeoutMilliseconds > 0, "a flight would be repeated without end")
    precondition(handshakeTimeoutMilliseconds > 0, "a handshake without time")
    precondition(rewindsMaximum >= 0, "less than no rewinds")
  }
}
