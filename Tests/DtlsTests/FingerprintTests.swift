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
  func aWrongOneEndsWithoutKeys(refuser: LossyWire.End, hash: DtlsHash) throws {
    var digest = (refuser == .a ? identityOfB : identityOfA).fingerprint(hash).digest
    digest[digest.count - 1] ^= 1
    let wrong = [try #require(DtlsFingerprint(hash: hash, digest: digest))]
    let wire = try wire(
      aExpects: refuser == .a ? wrong : [identityOfB.fingerprint()],
      bExpects: refuser == .b ? wrong : [identityOfA.fingerprint()])
    wire.startBoth()
    wire.run()
    #expect(wire.endpoint(refuser).state == .failed(.certificateRefused))
    #expect(wire.a.srtpKeys == nil)
    #expect(wire.b.srtpKeys == nil)
    #expect(!wire.sent.contains { $0.bytes[0] == 21 })
  }

  @Test func withoutAnyExpectationNothingConnects() throws {
    let wire = try wire(aExpects: [], bExpects: [identityOfA.fingerprint()])
    wire.startBoth()
    wire.run()
    #expect(wire.a.state == .failed(.certificateRefused))
    #expect(wire.b.srtpKeys == nil)
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
