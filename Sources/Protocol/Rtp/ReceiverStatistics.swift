package import Wire

/// What a receiver keeps of one source (RFC 3550, appendices A.1, A.3 and A.8).
///
/// Feed it only what SRTP has authenticated: then the first packet can be believed, and the
/// probation of A.1 is not needed. A struct of numbers; allocates nothing.
package struct ReceiverStatistics: Sendable {
  /// Of the source that is counted.
  package let ssrc: UInt32
  /// Packets that were received, duplicates and late ones included (A.3 says why).
  package private(set) var received: UInt64 = 0
  /// The source began anew this many times with other sequence numbers.
  package private(set) var restarts: UInt32 = 0

  private let clockRate: UInt64
  private var first: UInt32
  private var highest: UInt32
  private var suspectedNext: UInt16?
  private var expectedBefore: UInt32 = 0
  private var receivedBefore: UInt32 = 0
  private var receivedSinceRestart: UInt32 = 0
  private var lastTransit: UInt32?
  private var scaledJitter: UInt32 = 0
  private var lastReport: UInt32 = 0
  private var lastReportInstant = Instant(nanoseconds: 0)

  /// A jump ahead of more than this is a restart, not a loss (A.1, MAX_DROPOUT).
  private static let dropoutMax: UInt16 = 3000
  /// A packet at most this far behind is late; further behind is a restart (A.1, MAX_MISORDER).
  private static let misorderMax: UInt16 = 100

  /// Begins with the first packet of a source; `note` must follow for that packet as well.
  /// `clockRate` is in hertz.
  package init(ssrc: UInt32, firstSequenceNumber: UInt16, clockRate: Int) {
    self.ssrc = ssrc
    self.clockRate = UInt64(clockRate)
    // One roll-over is put in front, so that a late packet from before the first one has a place.
    first = 1 << 16 | UInt32(firstSequenceNumber)
    highest = first &- 1
  }

  /// Counts one packet that arrived at `now`.
  package mutating func note(sequenceNumber: UInt16, timestamp: UInt32, at now: Instant) {
    guard updateSequence(sequenceNumber) else { return }
    received += 1
    receivedSinceRestart &+= 1
    noteTransit(timestamp: timestamp, at: now)
  }

  /// Takes note of a packet that has come but tells nothing about the voice's timing.
  package mutating func note(sequenceNumber: UInt16) {
    guard updateSequence(sequenceNumber) else { return }
    received += 1
    receivedSinceRestart &+= 1
  }

  /// Remembers a sender report, for the round trip that the sender computes from our answer.
  package mutating func noteSenderReport(ntpTime: UInt64, at now: Instant) {
    lastReport = UInt32(truncatingIfNeeded: ntpTime >> 16)
    lastReportInstant = now
  }

  /// Packets that should have come since the last restart.
  package var expected: UInt32 { highest &- first &+ 1 }

  /// Lost since the last restart; negative when duplicates outweigh losses.
  package var cumulativeLost: Int32 {
    Int32(truncatingIfNeeded: Int64(expected) - Int64(receivedSinceRestart))
  }

  /// Interarrival jitter (A.8) in units of the media clock.
  package var jitter: UInt32 { scaledJitter >> 4 }

  /// Interarrival jitter in microseconds.
  package var jitterMicroseconds: UInt64 { UInt64(jitter) * 1_000_000 / clockRate }

  /// The report on this source at `now`; the next fraction lost counts from here.
  package mutating func reportBlock(at now: Instant) -> ReportBlock {
    let expectedNow = expected
    let expectedDelta = Int64(expectedNow &- expectedBefore)
    let lostDelta = expectedDelta - Int64(receivedSinceRestart &- receivedBefore)
    expectedBefore = expectedNow
    receivedBefore = receivedSinceRestart
    let isLossy = expectedDelta > 0 && lostDelta > 0
    let fraction = isLossy ? min(255, (lostDelta << 8) / expectedDelta) : 0
    return ReportBlock(
      ssrc: ssrc, fractionLost: UInt8(fraction),
      cumulativeLost: min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF),
      highestSequence: highest &- 1 << 16, jitter: jitter, lastSenderReport: lastReport,
      delaySinceLastSenderReport: delaySinceReport(at: now))
  }

  private func delaySinceReport(at now: Instant) -> UInt32 {
    guard lastReport != 0 else { return 0 }
    // Beyond a minute the figure is of no use to anybody; the bound keeps the product small.
    let nanoseconds = min(now.nanoseconds(since: lastReportInstant), 60_000_000_000)
    return UInt32(nanoseconds * 65_536 / 1_000_000_000)
  }

  /// A.1: false when the packet does not belong to the sequence that is being counted.
  private mutating func updateSequence(_ number: UInt16) -> Bool {
    let ahead = number &- UInt16(truncatingIfNeeded: highest)
    if ahead < Self.dropoutMax {
      highest &+= UInt32(ahead)
      suspectedNext = nil
      return true
    }
    if ahead > 0 &- Self.misorderMax { return true }
    guard suspectedNext == number else {
      suspectedNext = number &+ 1
      return false
    }
    restart(at: number)
    return true
  }

  /// Two in sequence from elsewhere: the source has begun anew.
  private mutating func restart(at number: UInt16) {
    first = 1 << 16 | UInt32(number)
    highest = first
    suspectedNext = nil
    expectedBefore = 0
    receivedBefore = 0
    receivedSinceRestart = 0
    lastTransit = nil
    restarts &+= 1
  }

  /// A.8, with the jitter kept in sixteenths.
  private mutating func noteTransit(timestamp: UInt32, at now: Instant) {
    let transit = MediaClock.units(at: now, rate: clockRate) &- timestamp
    defer { lastTransit = transit }
    guard let lastTransit else { return }
    let step = UInt32(
      bitPattern: transit &- lastTransit < 1 << 31
        ? Int32(bitPattern: transit &- lastTransit) : Int32(bitPattern: lastTransit &- transit))
    // A step of more than a second is a jump of the source's timestamps, not jitter.
    guard UInt64(step) < clockRate else { return }
    scaledJitter = scaledJitter &+ step &- (scaledJitter &+ 8) >> 4
  }
}
