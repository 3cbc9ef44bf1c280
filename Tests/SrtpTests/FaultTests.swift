import CSrtpFaults
import Srtp
import Testing

/// libsrtp2 tests what is put in: it finds what is wrong, and then there is no SRTP and a sentence.
///
/// Processes of their own, because the library belongs to all tests.
@Suite struct FaultTests {
  @Test func whatIsPutInIsTested() async {
    await #expect(processExitsWith: .success) {
      srtp_fault_set(SRTP_FAULT_COUNTED)
      try SrtpLibrary.prepare()
      let (texts, tags) = (srtp_fault_texts(), srtp_fault_tags())
      // Our vectors and libsrtp2's own, there and back, and 128 random texts twice for each cipher.
      #expect(texts > 4 * 256)
      // RFC 2202's three, and libsrtp2's own.
      #expect(tags >= 4)
      // Once.
      try SrtpLibrary.prepare()
      #expect(srtp_fault_texts() == texts)
      // Contexts have what was tested.
      let (sender, _) = try makePair(.aes128CmSha1Tag80)
      let before = srtp_fault_tags()
      _ = sender.protect(rtp(sequence: 1))
      #expect(srtp_fault_tags() == before + 1)
    }
  }

  @Test(arguments: [
    (SRTP_FAULT_COUNTER_MODE_IDLE.rawValue, "AES-128 counter mode"),
    (SRTP_FAULT_GCM_HEADER_UNSIGNED.rawValue, "AES-128-GCM"),
    (SRTP_FAULT_GCM_TAG_WRONG.rawValue, "AES-128-GCM"),
    (SRTP_FAULT_GCM_OPENS_NOTHING.rawValue, "AES-128-GCM"),
    (SRTP_FAULT_HMAC_WRONG.rawValue, "HMAC-SHA1"),
    (SRTP_FAULT_NO_VECTORS.rawValue, "AES-128 counter mode"),
  ])
  func aFaultIsFoundAndSaid(fault: UInt32, algorithm: String) async {
    await #expect(processExitsWith: .success) { [fault, algorithm] in
      srtp_fault_set(srtp_fault(fault))
      let failure = #expect(throws: SrtpFailure.self) { try SrtpLibrary.prepare() }
      #expect(failure?.description == "libsrtp2 refuses \(algorithm) by libcrypto")
      let keys = SrtpKeys(
        profile: .aes128CmSha1Tag80, local: [UInt8](repeating: 1, count: 30),
        remote: [UInt8](repeating: 2, count: 30))!
      #expect(SrtpContext(keys: keys) == nil)
      // It is not remembered: what is good afterwards is taken.
      srtp_fault_set(SRTP_FAULT_NONE)
      try SrtpLibrary.prepare()
      #expect(SrtpContext(keys: keys) != nil)
    }
  }
}
