import Dtls
import Testing
import Wire

/// Peers of other makers, with what RFC 5246 and RFC 6347 leave to them.
@Suite struct OtherPeersTests {
  /// Every suite that we offer: their records are opened by keys and nonces of their own kinds.
  static let suites = [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
  ]

  @Test(arguments: suites, [DtlsRole.active, .passive])
  func everySuiteCarriesDataBothWays(suite: String, role: DtlsRole) throws {
    let wire = try makeWire(to: PlainPeer(role.opposite) { $0.suites = suite }, as: role)
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected, "\(wire.a.state) \(wire.b.state)")
    try expectDataBothWays(wire)
    #expect(wire.a.counters.forged == 0 && wire.a.counters.replayed == 0)
    wire.b.close()
    wire.collect()
    wire.run(stopWhenConnected: false)
    #expect(wire.a.state == .closed)
  }

  /// CertificateRequest is optional (RFC 5246, section 7.4.4), also behind a cookie.
  @Test(arguments: [false, true])
  func aServerThatAsksForNoCertificateIsTaken(asksForCookie: Bool) throws {
    let server = PlainPeer(.passive) {
      $0.asksForCertificate = false
      $0.asksForCookie = asksForCookie
    }
    let wire = try makeWire(to: server, as: .active)
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected, "\(wire.a.state) \(wire.b.state) \(wire.a.lastError)")
    #expect(wire.elapsedMilliseconds < (asksForCookie ? 200 : 100))
    #expect(wire.a.srtpKeys != nil)
    try expectDataBothWays(wire)
  }

  @Test func itsCertificateIsVerifiedAllTheSame() throws {
    let server = PlainPeer(.passive) { $0.asksForCertificate = false }
    let wire = LossyWire(
      try makeEndpoint(
        .active, identity: identityOfA, fingerprints: [identityOfImpostor.fingerprint()]),
      server)
    wire.startBoth()
    wire.run(stopWhenConnected: false)
    #expect(wire.a.state == .failed(.fingerprintMismatch))
    #expect(wire.a.srtpKeys == nil)
  }

  /// A forged ServerHelloDone in the place of the request, before each of the server's datagrams
  /// and again and again: who asks for a certificate is shown one.
  @Test(arguments: [1200, 300])
  func aForgedOneDoesNotHideTheRequest(mtu: Int) throws {
    let done = Forgery.handshake(type: 14, sequence: 3, [])
    for records in [false, true] {
      let wire = try makePair { $0.mtu = mtu }
      wire.tamper = { datagram in
        guard datagram.to == .a else { return [datagram.bytes] }
        let parts = records ? datagram.bytes.records : [datagram.bytes]
        return parts.flatMap { [done, $0] } + [done]
      }
      wire.startBoth()
      wire.run()
      #expect(wire.isConnected, "\(wire.a.state) \(wire.b.state)")
      #expect(wire.elapsedMilliseconds < 20)
    }
  }

  /// What policy refuses has a name of its own.
  @Test func refusalsAreNamed() throws {
    let cases: [(DtlsRole, PlainPeer, DtlsFailure)] = [
      (.passive, PlainPeer(.active) { $0.showsCertificate = false }, .certificateRefused),
      (.active, PlainPeer(.passive) { $0.bindsKeys = false }, .noExtendedMasterSecret),
      (.passive, PlainPeer(.active) { $0.bindsKeys = false }, .noExtendedMasterSecret),
      (.active, PlainPeer(.passive) { $0.knowsSrtp = false }, .noSrtpProfile),
      (.passive, PlainPeer(.active) { $0.knowsSrtp = false }, .noSrtpProfile),
    ]
    for (role, peer, failure) in cases {
      let wire = try makeWire(to: peer, as: role)
      wire.startBoth()
      wire.run(stopWhenConnected: false)
      #expect(wire.a.state == .failed(failure), "\(role)")
      #expect(!failure.text.isEmpty)
    }
  }
}

extension DtlsRole {
  var opposite: DtlsRole { self == .active ? .passive : .active }
}

/// Ours as A, in `role`, and `peer` as B.
func makeWire(to peer: PlainPeer, as role: DtlsRole) throws -> LossyWire {
  LossyWire(
    try makeEndpoint(role, identity: identityOfA, fingerprints: [peer.fingerprint]), peer)
}

/// Sends a datagram each way and looks for it, and for nothing else.
func expectDataBothWays(_ wire: LossyWire, _ what: String = "") throws {
  _ = wire.a.applicationData()
  _ = wire.b.applicationData()
  let (to, from): ([UInt8], [UInt8]) = ([7, 1], [7, 2])
  #expect(wire.a.send(to) && wire.b.send(from), "\(what)")
  wire.collect()
  wire.run(
    untilMilliseconds: wire.elapsedMilliseconds + 10, stopWhenConnected: false)
  #expect(wire.b.applicationData() == [to], "\(what)")
  #expect(wire.a.applicationData() == [from], "\(what)")
}

extension [UInt8] {
  /// The DTLS records of an honest datagram.
  var records: [[UInt8]] {
    var result: [[UInt8]] = []
    var rest = self[...]
    while rest.count > 13 {
      let length = 13 + Int(rest[rest.startIndex + 11]) << 8 + Int(rest[rest.startIndex + 12])
      result.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return result
  }
}
