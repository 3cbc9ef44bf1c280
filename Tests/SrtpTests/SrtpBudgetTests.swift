import Srtp
import TestSupport
import Testing

/// No packet takes memory, whatever becomes of it, after the first of its source. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of SRTP", .serialized, .enabled(if: Cost.isMeasurable))
struct SrtpBudgetTests {
  private typealias Step = (UnsafeMutableRawBufferPointer, inout Int) -> SrtpStatus

  @Test(arguments: SrtpProfile.allCases) func voice(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for sequence in UInt16(1)...40 {
      unsafe expectNoMemory(
        for: rtp(sequence: sequence), isFirst: sequence == 1,
        { unsafe sender.protectRtp($0, length: &$1) },
        { unsafe receiver.unprotectRtp($0, length: &$1) })
    }
  }

  @Test(arguments: SrtpProfile.allCases) func reports(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for number in 1...40 {
      unsafe expectNoMemory(
        for: rtcp(), isFirst: number == 1,
        { unsafe sender.protectRtcp($0, length: &$1) },
        { unsafe receiver.unprotectRtcp($0, length: &$1) })
    }
  }

  /// Protects a packet, and takes it forged, as it is, and again.
  private func expectNoMemory(
    for packet: [UInt8], isFirst: Bool, _ protect: Step, _ unprotect: Step
  ) {
    var protected = packet + [UInt8](repeating: 0, count: SrtpContext.overheadByteCount)
    var length = packet.count
    unsafe expect(.ok, isFree: !isFirst, protect, &protected, &length)
    for (forged, status) in [(UInt8(1), SrtpStatus.authentication), (0, .ok), (0, .replayed)] {
      var (copy, count) = (protected, length)
      copy[15] ^= forged
      unsafe expect(status, isFree: !isFirst, unprotect, &copy, &count)
    }
  }

  private func expect(
    _ expected: SrtpStatus, isFree: Bool, _ step: Step, _ bytes: inout [UInt8], _ length: inout Int
  ) {
    var status = SrtpStatus.failed
    let cost = unsafe bytes.withUnsafeMutableBytes { bytes in
      Cost.of { unsafe status = step(bytes, &length) }
    }
    #expect(status == expected)
    guard isFree else { return }
    #expect(cost.mallocs == 0 && cost.frees == 0 && cost.objects == 0, "\(cost)")
  }
}
