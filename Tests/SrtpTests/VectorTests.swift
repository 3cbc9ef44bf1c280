import Srtp
import Testing
import Wire

/// The vectors of RFC 7714, RFC 3711, RFC 2202 and RFC 3174. They begin at the session keys, which
/// nobody can hand to libsrtp: so they hold the reference, and the reference holds the packets that
/// contexts make from master keys. What libcrypto has in libsrtp is held by the same vectors in
/// libsrtp's self-test (`FaultTests`).
@Suite struct VectorTests {
  private static let sender = {
    let keys = ReferenceSender.Keys(
      cipher: bytes("000102030405060708090a0b0c0d0e0f"), authentication: [],
      salt: bytes("517569642070726f2071756f"))
    return ReferenceSender(.aeadAes128Gcm, rtp: keys, rtcp: keys)
  }()

  /// RFC 7714, section 16.1.1.
  @Test func theRtpPacketOfTheStandard() {
    let packet = bytes(
      "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e2070617274"
        + "65732074726573")
    let expected = bytes(
      "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d1"
        + "9b36de3adf8833899d7f27beb16a9152cf765ee4390cce")
    #expect(Self.sender.protect(packet, index: 0xF17B) == expected)
  }

  /// RFC 7714, section 17.1.
  @Test func theRtcpPacketOfTheStandard() {
    let packet = bytes(
      "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
        + "deadbeefdeadbeef")
    let expected = bytes(
      "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
        + "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4")
    #expect(Self.sender.protectControl(packet, index: 0x5D4) == expected)
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

  /// RFC 3174, section 7.3.
  @Test(arguments: [
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
    (
      String(repeating: "01234567", count: 80),
      "dea356a2cddd90c7a7ecedc5ebb563934f460452"
    ),
  ])
  func theHashOfTheStandard(message: String, digest: String) {
    #expect(Reference.sha1(Array(message.utf8)) == bytes(digest))
  }

  /// RFC 2202, section 3.
  @Test func theTagsOfTheStandard() {
    func tag(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
      Reference.hmacSha1(key: key, message)
    }
    #expect(
      tag([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8))
        == bytes("b617318655057264e28bc0b6fb378c8ef146be00"))
    #expect(
      tag(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        == bytes("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
    #expect(
      tag([UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50))
        == bytes("125d7342b9ac11cd91a39af48aa17b4f63f175d3"))
  }

  /// Headers of all kinds, and sequence numbers that wrap.
  @Test(arguments: SrtpProfile.allCases, 1...10 as ClosedRange<UInt64>)
  func everyPacketOfACallIsTheStandards(profile: SrtpProfile, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let master = randomBytes(profile.masterByteCount, &random)
    let reference = ReferenceSender(profile, master: master)
    let keys = try #require(SrtpKeys(profile: profile, local: master, remote: master))
    let context = try #require(SrtpContext(keys: keys))
    var index: UInt64 = 65_000
    for count in [0, 1, 15, 16, 17, 63, 64, 65, 80, 160, 1_200] {
      let packet = randomRtp(
        sequence: UInt16(truncatingIfNeeded: index), source: 1, payloadByteCount: count, &random)
      #expect(context.protect(packet) == reference.protect(packet, index: index), "\(count)")
      index += .random(in: 1...200, using: &random)
    }
    #expect(index > 65_535)
    for index in UInt32(1)...5 {
      let packet = rtcp() + randomBytes(8 * Int(index), &random)
      #expect(context.protectControl(packet) == reference.protectControl(packet, index: index))
    }
  }
}
