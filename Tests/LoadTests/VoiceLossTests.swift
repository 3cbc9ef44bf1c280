import Testing
import Wire

@testable import Load

@Suite struct VoiceLossTests {
  private func datagram(_ first: UInt8, _ second: UInt8) -> [UInt8] {
    [first, second] + [UInt8](repeating: 0, count: 30)
  }

  /// How many of 1,000 are lost at `seconds`.
  private func lost(_ loss: inout VoiceLoss, _ datagram: [UInt8], seconds: UInt64) -> Int {
    let now = Instant(nanoseconds: seconds * 1_000_000_000)
    return (0..<1_000).count { _ in unsafe loss.takes(datagram.span.bytes, at: now) }
  }

  @Test func `voice is lost from its moment on, and nothing else`() {
    var loss = VoiceLoss(percent: 10)
    let voice = datagram(0x80, 111)
    #expect(lost(&loss, voice, seconds: 9) == 0, "nothing has begun")
    loss.begin = Instant(nanoseconds: 10_000_000_000)
    #expect(lost(&loss, voice, seconds: 9) == 0)
    #expect(70...130 ~= lost(&loss, voice, seconds: 10))
    // With its marker set; then STUN, DTLS, a receiver report, and next to nothing.
    #expect(70...130 ~= lost(&loss, datagram(0x80, 111 | 0x80), seconds: 11))
    for other in [datagram(0, 1), datagram(22, 254), datagram(0x81, 201), [0x80, 111]] {
      #expect(lost(&loss, other, seconds: 11) == 0)
    }
  }

  @Test func `without a share nothing is lost`() {
    var loss = VoiceLoss(percent: 0)
    loss.begin = Instant(nanoseconds: 0)
    #expect(lost(&loss, datagram(0x80, 111), seconds: 1) == 0)
  }
}
