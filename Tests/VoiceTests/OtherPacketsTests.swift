import Rtp
import Testing
import Wire

@testable import Voice

/// Packets that are no voice of the source that is heard.
@Suite struct OtherPacketsTests {
  /// As `run`, with telephone-event packets of the source (RFC 4733) between its voice packets or
  /// in their place. Their timestamp is when the event began.
  private func path(
    isPrompt: Bool, replacing isReplaced: (Int) -> Bool, eventsPerPacket: Int, seconds: Int = 8
  ) -> VoicePath {
    var path = VoicePath(isPrompt: isPrompt)
    var shift: UInt16 = 0
    var eventStart: [UInt8] = []
    for index in 0..<seconds * 50 {
      guard var packet = path.makePacket(speaks: true) else { continue }
      packet.renumber(by: shift)
      if isReplaced(index) {
        if eventStart.isEmpty { eventStart = Array(packet[4..<8]) }
        for event in 0..<eventsPerPacket {
          var other = Array(packet[0..<12]) + [1, 10, 0, 160]
          other[1] = 126
          other.replaceSubrange(4..<8, with: eventStart)
          other.renumber(by: UInt16(event))
          path.inFlight.append((path.nextSend + 30_000_000 + UInt64(event), other))
        }
        shift += UInt16(eventsPerPacket - 1)
      } else {
        eventStart = []
        path.inFlight.append((path.nextSend + 30_000_000, packet))
      }
      path.nextSend += 20_000_000
      while path.nextPull < path.nextSend { path.pull() }
    }
    return path
  }

  @Test(arguments: [false, true])
  func `events in place of voice are a pause, not a loss`(isPrompt: Bool) {
    // 1.6 s of a key pressed, and later single packets.
    let path = path(
      isPrompt: isPrompt, replacing: { (100..<180).contains($0) || $0 > 250 && $0 % 25 == 0 },
      eventsPerPacket: 1)
    #expect(path.receiver.source?.cumulativeLost == 0)
    #expect(path.receiver.counts.otherPayloadType >= 80)
    #expect(path.receiver.counts.recoveredPackets == 0)
    #expect(path.receiver.jitterCounts.restarts == 0)
    #expect(path.receiver.jitterCounts.skipped == 0)
    // What the jitter buffer makes up before it knows why nothing comes ends with the first packet
    // after the pause: a few pieces for the long one and for each of the short ones.
    #expect(path.receiver.counts.voiceFrames >= 280)
    let readings = path.settled().filter { abs($0.hertz - 440) < 2 }
    #expect(readings.count > 20)
  }

  @Test(arguments: [false, true])
  func `events beside the voice take numbers and nothing else`(isPrompt: Bool) {
    var path = VoicePath(isPrompt: isPrompt)
    var shift: UInt16 = 0
    for index in 0..<400 {
      guard var packet = path.makePacket(speaks: true) else { continue }
      packet.renumber(by: shift)
      path.inFlight.append((path.nextSend + 30_000_000, packet))
      if (100..<200).contains(index) || index % 7 == 0 {
        shift += 1
        var other = Array(packet[0..<12]) + [1, 10, 0, 160]
        other[1] = 13
        other.renumber(by: 1)
        // Out of order now and then.
        let delay: UInt64 = index % 3 == 0 ? 55_000_000 : 31_000_000
        path.inFlight.append((path.nextSend + delay, other))
      }
      path.nextSend += 20_000_000
      while path.nextPull < path.nextSend { path.pull() }
    }
    expectTone(path)
    #expect(path.receiver.source?.cumulativeLost == 0)
    #expect(path.receiver.counts.concealedFrames == 0)
    #expect(path.receiver.counts.concealedPieces == 0)
    #expect(path.receiver.counts.recoveredPackets == 0)
    #expect(path.receiver.jitterCounts.restarts == 0)
  }

  @Test func `real losses beside events are still made up for`() {
    var path = VoicePath()
    var shift: UInt16 = 0
    for index in 0..<500 {
      guard var packet = path.makePacket(speaks: true) else { continue }
      packet.renumber(by: shift)
      let isLost = index % 10 == 5
      if !isLost { path.inFlight.append((path.nextSend + 30_000_000, packet)) }
      shift += 1
      var other = Array(packet[0..<12]) + [1, 10, 0, 160]
      other[1] = 126
      other.renumber(by: 1)
      path.inFlight.append((path.nextSend + 31_000_000, other))
      path.nextSend += 20_000_000
      while path.nextPull < path.nextSend { path.pull() }
    }
    #expect(49...50 ~= path.receiver.source?.cumulativeLost ?? 0)
    let counts = path.receiver.counts
    #expect(counts.recoveredPackets + counts.concealedPieces >= 45)
  }

  @Test func `noise under other payload types never traps`() {
    var random = SeededRandom(seed: 5)
    var path = VoicePath()
    path.run(seconds: 60) { _, packet in
      if random.next() % 3 == 0 {
        packet[1] = UInt8(truncatingIfNeeded: random.next()) & 0x7F
        packet[2] = UInt8(truncatingIfNeeded: random.next())
        packet[4] = UInt8(truncatingIfNeeded: random.next())
      }
      return [Double(random.next() % 300)]
    }
    #expect(path.heard.count > 2_900)
  }
}

/// A client that sends on two lines, each with a source of its own.
@Suite struct TwoSourcesTests {
  private static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]

  /// Sends the path's tone as source 7 and, as source 99 on the same network, packets of
  /// `other(index)`: nil for none.
  private func run(
    _ path: inout VoicePath, frames: Range<Int>, seven isVoice: Bool?,
    ninetyNine isOtherVoice: Bool?
  ) {
    for index in frames {
      guard let packet = path.makePacket(speaks: true) else { continue }
      for (ssrc, isVoice) in [(UInt8(7), isVoice), (99, isOtherVoice)] {
        guard let isVoice else { continue }
        var copy = isVoice ? packet : Array(packet[0..<12]) + Self.silence
        copy[11] = ssrc
        path.inFlight.append((path.nextSend + 30_000_000 + UInt64(ssrc) * 10_000, copy))
      }
      path.nextSend += 20_000_000
      while path.nextPull < path.nextSend { path.pull() }
      _ = index
    }
  }

  @Test func `who talks keeps the word while the other talks too`() {
    var path = VoicePath(isShared: true)
    run(&path, frames: 0..<300, seven: true, ninetyNine: true)
    expectTone(path)
    #expect(path.receiver.source?.ssrc == 7)
    #expect(path.receiver.jitterCounts.restarts == 0)
    #expect(path.receiver.counts.concealedFrames == 0)
  }

  @Test func `a muted line leaves the word to the one that talks`() {
    var path = VoicePath(isShared: true)
    run(&path, frames: 0..<100, seven: false, ninetyNine: nil)
    #expect(path.receiver.source?.ssrc == 7)
    path.readings = []
    run(&path, frames: 0..<200, seven: false, ninetyNine: true)
    #expect(path.receiver.source?.ssrc == 99)
    expectTone(path)
    #expect(path.receiver.counts.otherSource > 150, "the muted one")
  }

  /// Encoders that make of silence what is as long as voice: the level tells them apart.
  @Test func `a muted line that says how quiet it is leaves the word`() {
    var path = VoicePath(isShared: true, levelExtension: 1)
    for (frames, ssrcs) in [(100, [UInt8(7)]), (200, [7, 99])] {
      path.readings = []
      for _ in 0..<frames {
        guard let packet = path.makePacket(speaks: true) else { continue }
        for ssrc in ssrcs {
          let level: UInt8 = ssrc == 7 ? 127 : 20
          var copy = packet[0..<12] + [0xBE, 0xDE, 0, 1, 0x10, level, 0, 0] + packet[12...]
          copy[0] |= 0x10
          copy[11] = ssrc
          path.inFlight.append((path.nextSend + 30_000_000 + UInt64(ssrc) * 10_000, Array(copy)))
        }
        path.nextSend += 20_000_000
        while path.nextPull < path.nextSend { path.pull() }
      }
    }
    #expect(path.receiver.source?.ssrc == 99)
    expectTone(path)
  }

  @Test func `the word passes when who talks falls silent, and not for silence`() {
    var path = VoicePath(isShared: true)
    run(&path, frames: 0..<100, seven: true, ninetyNine: false)
    #expect(path.receiver.source?.ssrc == 7)
    run(&path, frames: 0..<100, seven: false, ninetyNine: true)
    #expect(path.receiver.source?.ssrc == 99)
    run(&path, frames: 0..<100, seven: true, ninetyNine: nil)
    #expect(path.receiver.source?.ssrc == 7)
    // Silence takes the word only from one that is gone.
    run(&path, frames: 0..<20, seven: nil, ninetyNine: false)
    #expect(path.receiver.source?.ssrc == 7)
    run(&path, frames: 0..<40, seven: nil, ninetyNine: false)
    #expect(path.receiver.source?.ssrc == 99)
  }
}
