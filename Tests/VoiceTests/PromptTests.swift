import Testing
import Wire

@testable import Voice

/// A receiver that gives out sound as soon as it has come in order.
@Suite struct PromptTests {
  @Test(arguments: PcmRate.allCases)
  func `on a steady network each frame is heard with its packet`(rate: PcmRate) {
    var path = VoicePath(rate: rate, isPrompt: true)
    path.run(seconds: 5)
    expectTone(path)
    // The last two are still on their way.
    #expect(path.heardAtOnce >= 248)
    #expect(path.receiver.counts.voiceFrames == UInt64(path.heardAtOnce))
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.counts.silentFrames <= 2, "before the first packet")
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `jitter makes no packet late and little to make up`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 20) { _, _ in [20 + Double(random.next() % 60)] }
    let counts = path.receiver.counts
    #expect(counts.voiceFrames >= 990)
    #expect(counts.concealedFrames < 20)
    #expect(counts.shortened + counts.stretched == 0)
    #expect(path.receiver.jitterCounts.late == 0)
    #expect(path.receiver.jitterCounts.skipped == 0)
    expectTone(path, exceptions: 20)
  }

  @Test func `order and copies make no difference`() {
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 10) { index, _ in
      switch index % 7 {
      case 2: [30, 31, 55]
      case 5: [45]
      default: [20]
      }
    }
    expectTone(path)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.counts.voiceFrames >= 497)
  }

  @Test func `a lost packet is made up for, and what follows waits no longer than that`() {
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 10) { index, _ in index % 25 == 14 ? [] : [30] }
    let counts = path.receiver.counts
    #expect(counts.concealedPieces + counts.recoveredPackets == 20)
    #expect(path.heard.dropFirst(3).allSatisfy { $0 != .silence })
    #expect(498...502 ~= path.heard.count)
    // Of 25 packets one is missing, and some after it come while it is waited for.
    #expect(path.heardAtOnce >= 400)
  }

  @Test func `a stall is heard late and at once, and leaves no delay`() {
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 5)
    path.run(seconds: 0.4) { index, _ in [30 + Double(400 - index * 20)] }
    path.run(seconds: 1)
    #expect(path.receiver.jitterCounts.skipped + path.receiver.jitterCounts.late == 0)
    let before = path.heardAtOnce
    path.run(seconds: 4)
    #expect(path.heardAtOnce - before == 200)
    #expect(path.receiver.counts.voiceFrames >= 518)
  }

  @Test func `pauses of the sender are silence, a frame each 20 ms`() {
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 20, spurtFrames: 50)
    let counts = path.receiver.counts
    #expect(counts.concealedFrames == 0)
    #expect(counts.voiceFrames >= 590, "ten spurts of 50 frames, each with 10 frames of fading")
    // What is late is waited for at the beginning of each pause, and nothing at its end.
    #expect(counts.silentFrames >= 300)
    #expect(940...1_010 ~= path.heard.count)
  }

  @Test func `a sender that goes away is missed, then silent, then heard again at once`() {
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 3)
    path.run(seconds: 2) { _, _ in [] }
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.heard.last == .silence)
    // Nothing for 400 ms, then silence up to a second of debt.
    #expect(200...204 ~= path.heard.count)
    let before = path.heardAtOnce
    path.run(seconds: 4)
    // The first waits for those that are missing before it.
    #expect(path.heardAtOnce - before >= 190)
  }

  @Test func `half frames are put together`() {
    var jitter = JitterBuffer(isPrompt: true)
    // One frame of 10 ms in the code that has no sound inside: SILK, wide band.
    let packet: [UInt8] = [0x40, 0, 0]
    for index in 0..<4 {
      let now = Instant(nanoseconds: 1_000_000_000 + UInt64(index) * 10_000_000)
      let verdict = unsafe packet.withUnsafeBytes { payload in
        unsafe jitter.insert(
          sequenceNumber: UInt16(index), timestamp: UInt32(index) * 480, payload: payload, at: now)
      }
      #expect(verdict == .stored)
      #expect(jitter.unitsReady(at: now, limit: 960) == min(Int64(index + 1) * 480, 960))
    }
  }

  @Test func `noise in place of packets never traps`() {
    var random = SeededRandom(seed: 11)
    var path = VoicePath(isPrompt: true)
    path.run(seconds: 60) { _, packet in
      switch random.next() % 4 {
      case 0:
        for index in 12..<packet.count { packet[index] = UInt8(truncatingIfNeeded: random.next()) }
      case 1:
        packet = Array(packet[0..<(12 + Int(random.next() & 63))])
      case 2:
        packet[Int(random.next() % 12)] ^= UInt8(truncatingIfNeeded: random.next())
      default: break
      }
      return [Double(random.next() % 300), Double(random.next() % 3_000)]
    }
    #expect(path.heard.count > 2_500)
  }
}
