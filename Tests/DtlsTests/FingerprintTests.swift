import Dtls
import Testing
import Wire

@Suite struct FingerprintTests {
  private func wire(
    aExpects: [DtlsFingerprint], bExpects: [DtlsFingerprint]
  ) throws -> LossyWire {
    LossyWire(
      try makeEndpoint(.active, identity: identityOfA, fingerprints: aExpects),
      try makeEndpoint(.passive, identity: identityOfB, fingerprints: bExpects))
  }

  @Test(arguments: DtlsHash.allCases) func eachHashIsEnough(hash: DtlsHash) throws {
    let wire = try wire(
      aExpects: [identityOfB.fingerprint(hash)], bExpects: [identityOfA.fingerprint(hash)])
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
  }

  @Test func anyOfSeveralIsEnough() throws {
    let wrong = identityOfA.fingerprint(.sha512)
    let wire = try wire(
      aExpects: [wrong, identityOfB.fingerprint(.sha384)],
      bExpects: [identityOfA.fingerprint(.sha256), identityOfB.fingerprint()])
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
  }

  @Test(arguments: [LossyWire.End.a, .b], DtlsHash.allCases)
  func aWrongOneEndsTheHandshakeSoonWithoutKeys(refuser: LossyWire.End, hash: DtlsHash) throws {
    var digest = (refuser == .a ? identityOfB : identityOfA).fingerprint(hash).digest
    digest[digest.count - 1] ^= 1
    let wrong = [try #require(DtlsFingerprint(hash: hash, digest: digest))]
    let wire = try wire(
      aExpects: refuser == .a ? wrong : [identityOfB.fingerprint()],
      bExpects: refuser == .b ? wrong : [identityOfA.fingerprint()])
    wire.startBoth()
    // Two ways, and half a second for the right one to come, however often the wrong one does.
    wire.run(untilMilliseconds: 520)
    #expect(wire.endpoint(refuser).state == .failed(.fingerprintMismatch))
    #expect(wire.a.srtpKeys == nil)
    #expect(wire.b.srtpKeys == nil)
    #expect(!wire.sent.contains { $0.bytes[0] == 21 })
  }

  @Test func withoutAnyExpectationNothingConnects() throws {
    let wire = try wire(aExpects: [], bExpects: [identityOfA.fingerprint()])
    wire.startBoth()
    wire.run()
    #expect(wire.a.state == .failed(.fingerprintMismatch))
    #expect(wire.b.srtpKeys == nil)
  }

  /// Whatever the pieces are, and whichever of them is lost at first.
  @Test(arguments: [LossyWire.End.a, .b], [1200, 300])
  func aWrongOneInPiecesEndsItTooAndSoon(refuser: LossyWire.End, mtu: Int) throws {
    func wire() throws -> LossyWire {
      let wrong = [identityOfImpostor.fingerprint()]
      return LossyWire(
        try makeEndpoint(
          .active, identity: identityOfA,
          fingerprints: refuser == .a ? wrong : [identityOfB.fingerprint()]
        ) { $0.mtu = mtu },
        try makeEndpoint(
          .passive, identity: identityOfB,
          fingerprints: refuser == .b ? wrong : [identityOfA.fingerprint()]
        ) { $0.mtu = mtu })
    }
    let whole = try wire()
    whole.startBoth()
    whole.run(untilMilliseconds: 400)
    for lost in 0..<whole.sent.count(where: { $0.to == refuser }) {
      let wire = try wire()
      wire.tamper = { $0.to == refuser && $0.index == lost ? [] : [$0.bytes] }
      wire.startBoth()
      wire.run(untilMilliseconds: 3_000)
      #expect(wire.endpoint(refuser).state == .failed(.fingerprintMismatch), "\(lost), \(mtu)")
    }
  }

  /// Somebody who reads along and can sign a handshake with a certificate of their own, in which
  /// the fingerprint is wrong, is faster than the peer: the peer is still heard.
  @Test(arguments: [300, 1200]) func anImpostorDoesNotEndTheCall(mtu: Int) throws {
    let wire = try makePair { $0.mtu = mtu }
    // The same seed, so the same hello.
    let impostor = try makeEndpoint(
      .active, identity: identityOfImpostor, fingerprints: [identityOfB.fingerprint()]
    ) { $0.mtu = mtu }
    impostor.start(at: wire.now)
    _ = impostor.datagrams()
    var forged: [[UInt8]] = []
    wire.tamper = { datagram in
      if datagram.to == .a {
        unsafe datagram.bytes.withUnsafeBytes { unsafe impostor.handle($0, at: wire.now) }
        forged += impostor.datagrams()
        return [datagram.bytes]
      }
      defer { forged = [] }
      return forged + [datagram.bytes]
    }
    wire.startBoth()
    wire.run(untilMilliseconds: 2_000)
    #expect(wire.isConnected, "a \(wire.a.state), b \(wire.b.state)")
  }

  @Test func aPeerThatDoesNotBindItsKeysIsRefusedAtOnce() throws {
    for old in [LossyWire.End.a, .b] {
      let wire = LossyWire(
        try makeEndpoint(
          .active, identity: identityOfA, fingerprints: [identityOfB.fingerprint()]
        ) { $0.bindsKeys = old != .a },
        try makeEndpoint(
          .passive, identity: identityOfB, fingerprints: [identityOfA.fingerprint()]
        ) { $0.bindsKeys = old != .b })
      wire.startBoth()
      wire.run(untilMilliseconds: 200)
      let refuser = wire.endpoint(old == .a ? .b : .a)
      #expect(refuser.state == .failed(.noExtendedMasterSecret))
      #expect(refuser.srtpKeys == nil)
    }
    let both = try makePair { $0.bindsKeys = false }
    both.startBoth()
    both.run()
    #expect(both.isConnected, "two of them agree: it is the missing secret that is refused")
  }

  /// The client's Certificate message is replaced by an empty one on its way.
  @Test func aClientWithoutCertificateIsRefused() throws {
    let wire = try makePair()
    wire.tamper = { datagram in
      guard datagram.to == .b else { return [datagram.bytes] }
      return Self.records(of: datagram.bytes).map { record in
        record[0] == 22 && record[4] == 0 && record[13] == 11
          ? Forgery.handshake(type: 11, sequence: 1, [0, 0, 0]) : record
      }
    }
    wire.startBoth()
    wire.run()
    #expect(wire.b.state == .failed(.certificateRefused))
    #expect(wire.b.srtpKeys == nil)
    #expect(!wire.isConnected)
  }

  private static func records(of datagram: [UInt8]) -> [[UInt8]] {
    var records: [[UInt8]] = []
    var rest = datagram[...]
    while rest.count > 13 {
      let length = 13 + Int(rest[rest.startIndex + 11]) * 256 + Int(rest[rest.startIndex + 12])
      records.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return records
  }

  @Test func textIsReadInEitherCaseAndWrittenInUpper() throws {
    let fingerprint = identityOfA.fingerprint()
    #expect(fingerprint.text.count == 95)
    #expect(fingerprint.text == fingerprint.text.uppercased())
    #expect(DtlsFingerprint(hash: "sha-256", text: fingerprint.text) == fingerprint)
    #expect(DtlsFingerprint(hash: "SHA-256", text: fingerprint.text.lowercased()) == fingerprint)
  }

  @Test(arguments: ["", "00", "00:", ":00", "0G", "sha-256", "00:11:22"])
  func anythingElseIsNoFingerprint(text: String) {
    let valid = identityOfA.fingerprint().text
    #expect(DtlsFingerprint(hash: "sha-256", text: text) == nil)
    #expect(DtlsFingerprint(hash: "sha-256", text: valid + ":00") == nil)
    #expect(DtlsFingerprint(hash: "sha-256", text: valid.dropLast()) == nil)
    #expect(DtlsFingerprint(hash: "sha-512", text: valid) == nil)
    #expect(DtlsFingerprint(hash: "sha-1", text: valid) == nil)
    #expect(DtlsFingerprint(hash: .sha256, digest: [1]) == nil)
  }
}
