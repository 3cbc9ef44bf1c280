import Srtp
import Testing
import Wire

/// The vectors of RFC 7714 and RFC 3711. They begin at the session keys, which nobody can hand to
/// libsrtp: so they hold the reference, and the reference holds libsrtp's packets from master keys.
@Suite struct VectorTests {
  private static let key = bytes("000102030405060708090a0b0c0d0e0f")
  private static let salt = bytes("517569642070726f2071756f")

  /// RFC 7714, section 16.1.1.
  @Test func theRtpPacketOfTheStandard() {
    let packet = bytes(
      "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e2070617274"
        + "65732074726573")
    let expected = bytes(
      "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d1"
        + "9b36de3adf8833899d7f27beb16a9152cf765ee4390cce")
    #expect(Reference.protect(packet, key: Self.key, salt: Self.salt) == expected)
  }

  /// RFC 7714, section 17.1.
  @Test func theRtcpPacketOfTheStandard() {
    let packet = bytes(
      "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
        + "deadbeefdeadbeef")
    let expected = bytes(
      "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
        + "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4")
    #expect(
      Reference.protectControl(packet, index: 0x5D4, key: Self.key, salt: Self.salt) == expected)
  }

  /// RFC 3711, section B.2.
  @Test func theKeystreamOfTheStandard() {
    let stream = Reference.keystream(
      key: bytes("2b7e151628aed2a6abf7158809cf4f3c"),
      from: bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000"), count: 48)
    #expect(
      stream
        == bytes(
          "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
            + "41e95b3bb0a2e8dd477901e4fca894c0"))
  }

  /// RFC 3711, section B.3.
  @Test func theKeysOfTheStandard() {
    let key = bytes("e1f97a0d3e018be0d64fa32c06de4139")
    let salt = bytes("0ec675ad498afeebb6960b3aabe6")
    func derive(_ label: UInt8, _ count: Int) -> [UInt8] {
      Reference.derive(key: key, salt: salt, label: label, count: count)
    }
    #expect(derive(0, 16) == bytes("c61e7a93744f39ee10734afe3ff7a087"))
    #expect(derive(2, 14) == bytes("30cbbc08863d8c85d49db34a9ae1"))
    #expect(derive(1, 20) == bytes("cebe321f6ff7716b6fd4ab49af256a156d38baa4"))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func everyPacketOfACallIsTheStandards(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let master = (0..<28).map { _ in UInt8.random(in: 0...255, using: &random) }
    let (masterKey, masterSalt) = (Array(master[..<16]), Array(master[16...]))
    func session(_ label: UInt8) -> (key: [UInt8], salt: [UInt8]) {
      (
        Reference.derive(key: masterKey, salt: masterSalt, label: label, count: 16),
        Reference.derive(key: masterKey, salt: masterSalt, label: label + 2, count: 12)
      )
    }
    let keys = try #require(SrtpKeys(profile: .aeadAes128Gcm, local: master, remote: master))
    let context = try #require(SrtpContext(keys: keys))
    for count in [0, 1, 15, 16, 17, 80, 160, 1_200] {
      let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let packet = rtp(sequence: UInt16(count)).prefix(12) + payload
      let (key, salt) = session(0)
      #expect(
        context.protect(Array(packet)) == Reference.protect(Array(packet), key: key, salt: salt))
    }
    for index in UInt32(1)...3 {
      let (key, salt) = session(3)
      #expect(
        context.protectControl(rtcp())
          == Reference.protectControl(rtcp(), index: index, key: key, salt: salt))
    }
  }
}
