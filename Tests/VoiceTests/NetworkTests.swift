import Rtp
import Testing
import Wire

@testable import Voice

/// Asserts that the tone is there, clean, from the third window on but for `exceptions` windows.
func expectTone(
  _ path: borrowing VoicePath, hertz: Double = 440, level: Double = -12, exceptions: Int = 0,
  skip: Int = 2, sourceLocation: SourceLocation = #_sourceLocation
) {
  let readings = path.settled(skip: skip)
  let bad = readings.filter {
    abs($0.hertz - hertz) > 2 || abs($0.level - level) > 1.5 || $0.purity < 0.9
  }
  #expect(readings.count > 10, sourceLocation: sourceLocation)
  #expect(bad.count <= exceptions, "\(bad)", sourceLocation: sourceLocation)
}

@Suite struct NetworkTests {
  @Test func `a steady network ends with the smallest delay`() {
    var path = VoicePath()
    path.run(seconds: 10)
    expectTone(path)
    #expect(path.receiver.targetMilliseconds == 20)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.counts.voiceFrames >= 495)
    #expect(path.receiver.source?.cumulativeLost == 0)
  }

  @Test func `single losses are recovered from the packet after them`() {
    // libopus spends bits on redundancy for speech only, so the tone swells and fades like
    // syllables.
    var path = VoicePath(rate: .hertz24000, hertz: 300)
    path.syllables = true
    // The receiver has reported the loss; before that no bits are spent on it.
    path.sender.reportLoss(percent: 10, at: Instant(nanoseconds: path.nextSend))
    path.run(seconds: 20) { index, _ in index % 20 == 14 ? [] : [30] }
    let counts = path.receiver.counts
    #expect(counts.recoveredPackets + counts.concealedPieces >= 48)
    #expect(counts.recoveredPackets >= 30)
    // The packet after the last loss is still on its way.
    #expect(path.receiver.source?.cumulativeLost ?? 0 >= 48)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `ten of a hundred lost at random leave the tone standing`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var path = VoicePath()
    path.run(seconds: 20) { _, _ in random.next() % 10 == 0 ? [] : [30] }
    #expect(path.readings.filter { abs($0.hertz - 440) < 5 }.count > 55)
    #expect(path.heard.dropFirst(5).allSatisfy { $0 != .silence })
  }

  @Test func `order and copies make no difference`() {
    var path = VoicePath()
    path.run(seconds: 10) { index, _ in
      switch index % 7 {
      case 2: [30, 31, 55]
      case 5: [45]
      default: [20]
      }
    }
    expectTone(path)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.jitterCounts.duplicate + path.receiver.jitterCounts.late > 100)
    // Duplicates count as received (RFC 3550, A.3), so the balance is negative.
    #expect(path.receiver.source?.cumulativeLost ?? 0 < -100)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `jitter of up to 80 ms is taken in, and the delay shrinks when it ends`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var path = VoicePath()
    path.run(seconds: 10) { _, _ in [20 + Double(random.next() % 80)] }
    let concealed = path.receiver.counts.concealedFrames
    #expect(concealed < 25, "while it learns")
    #expect(60...110 ~= path.receiver.targetMilliseconds)
    path.readings = []
    path.run(seconds: 10) { _, _ in [20 + Double(random.next() % 80)] }
    #expect(path.receiver.counts.concealedFrames < concealed + 12)
    expectTone(path, exceptions: 6)
    path.run(seconds: 15)
    path.readings = []
    path.run(seconds: 5)
    #expect(path.receiver.targetMilliseconds == 20)
    #expect(path.delayMilliseconds < 45)
    expectTone(path)
  }

  @Test func `a stall is heard late, not lost, and the delay comes down again`() {
    var path = VoicePath()
    path.run(seconds: 5)
    // 400 ms come at once.
    path.run(seconds: 0.4) { index, _ in [30 + Double(400 - index * 20)] }
    path.run(seconds: 1)
    #expect(path.receiver.jitterCounts.skipped == 0)
    #expect(path.receiver.jitterCounts.late == 0)
    path.run(seconds: 10)
    path.readings = []
    path.run(seconds: 4)
    #expect(path.delayMilliseconds < 45)
    expectTone(path)
  }

  @Test func `numbers and timestamps wrap unnoticed`() {
    var path = VoicePath(sequence: 65_500, timestamp: UInt32.max - 48_000)
    path.run(seconds: 5)
    expectTone(path)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.jitterCounts.restarts == 0)
    #expect(path.receiver.source?.restarts == 0)
  }

  @Test(arguments: [-200.0, 200.0])
  func `the drift of the client's clock is followed`(partsPerMillion: Double) {
    var path = VoicePath(rate: .hertz16000)
    // A clock that runs slow makes longer steps. Two hundred seconds are 40 ms of drift.
    path.run(seconds: 200, clientPartsPerMillion: -partsPerMillion)
    expectTone(path, exceptions: 6)
    #expect(path.receiver.counts.concealedFrames <= 2)
    #expect(path.receiver.jitterCounts.skipped == 0)
    #expect(path.receiver.counts.shortened + path.receiver.counts.stretched >= 2)
    #expect(path.delayMilliseconds < 45)
  }

  @Test func `pauses of the sender are silence, and the spurts between them are whole`() {
    var path = VoicePath()
    path.run(seconds: 20, spurtFrames: 50)
    let counts = path.receiver.counts
    #expect(counts.concealedFrames == 0)
    #expect(counts.voiceFrames >= 590, "ten spurts of 50 frames, each with 10 frames of fading")
    #expect(counts.silentFrames >= 340)
    #expect(path.readings.filter { abs($0.hertz - 440) < 2 && $0.purity > 0.9 }.count >= 35)
    #expect(path.receiver.source?.cumulativeLost == 0)
  }

  @Test func `packets of padding only are neither heard nor missed`() {
    var path = VoicePath()
    path.runWithProbes(seconds: 5)
    expectTone(path)
    #expect(path.receiver.jitterCounts.empty >= 24)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.counts.recoveredPackets == 0)
    #expect(path.receiver.source?.cumulativeLost == 0)
  }

  @Test func `another source takes over with its second packet in sequence`() {
    var path = VoicePath()
    path.run(seconds: 2)
    path.run(seconds: 3) { _, packet in
      packet[11] = 99
      return [30]
    }
    expectTone(path, exceptions: 3)
    #expect(path.receiver.source?.ssrc == 99)
    #expect(path.receiver.counts.otherSource == 1)
  }

  @Test func `a stray source disturbs nothing`() {
    var path = VoicePath()
    path.run(seconds: 5) { index, packet in
      if index % 5 == 0 { packet[11] = 99 }
      return [30]
    }
    #expect(path.receiver.source?.ssrc == 7)
    #expect(path.receiver.counts.otherSource >= 48)
  }

  @Test func `another payload type is left alone`() {
    var path = VoicePath()
    path.run(seconds: 1) { _, packet in
      packet[1] = 126
      return [30]
    }
    #expect(path.receiver.source == nil)
    #expect(path.receiver.counts.otherPayloadType > 40)
    #expect(path.heard.allSatisfy { $0 == .silence })
  }

  @Test func `a stream that jumps is followed at once`() {
    var path = VoicePath()
    path.run(seconds: 3)
    path.run(seconds: 3) { _, packet in
      packet.renumber(by: 20_000)
      packet[4] ^= 0x55
      return [30]
    }
    #expect(path.receiver.jitterCounts.restarts == 1)
    expectTone(path, exceptions: 2)
  }

  @Test func `a gap of the network is concealed, then silent, then over`() {
    var path = VoicePath()
    path.run(seconds: 3)
    path.run(seconds: 2) { _, _ in [] }
    let made = path.receiver.counts.concealedFrames
    #expect(4...6 ~= made)
    #expect(path.heard.last == .silence)
    path.readings = []
    path.run(seconds: 4)
    expectTone(path)
    #expect(path.receiver.counts.concealedFrames == made)
  }

  @Test func `a flood is bounded and the newest sound wins`() {
    var path = VoicePath()
    path.run(seconds: 1)
    // Two seconds of sound arrive within a millisecond, then life goes on.
    path.run(seconds: 2) { index, _ in [2_030 - Double(index) * 20] }
    path.run(seconds: 6)
    #expect(path.receiver.jitterCounts.skipped > 0)
    path.readings = []
    path.run(seconds: 4)
    // A tone has no pauses: time is scaled, and slowly.
    #expect(path.delayMilliseconds < 65)
    expectTone(path)
  }

  @Test func `noise in place of packets never traps`() {
    var random = SeededRandom(seed: 11)
    var path = VoicePath()
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
    #expect(path.heard.count > 2_900)
  }
}

extension [UInt8] {
  /// Adds to the RTP sequence number.
  mutating func renumber(by shift: UInt16) {
    let number = (UInt16(self[2]) << 8 | UInt16(self[3])) &+ shift
    self[2] = UInt8(number >> 8)
    self[3] = UInt8(number & 255)
  }
}

extension VoicePath {
  /// As `run`, with a packet of padding only after each tenth, which takes a number of its own.
  mutating func runWithProbes(seconds: Double) {
    var shift: UInt16 = 0
    for index in 0..<Int(seconds * 50) {
      guard var packet = makePacket(speaks: true) else { continue }
      packet.renumber(by: shift)
      inFlight.append((nextSend + 30_000_000, packet))
      if index % 10 == 9 {
        shift += 1
        var probe = Array(packet[0..<12])
        probe.renumber(by: 1)
        probe[0] |= 0x20
        probe += [UInt8](repeating: 0, count: 199) + [200]
        inFlight.append((nextSend + 31_000_000, probe))
      }
      nextSend += 20_000_000
      while nextPull < nextSend { pull() }
    }
  }
}
