package import Wire

/// What a sender keeps for its reports (RFC 3550, section 6.4.1). A struct of numbers.
package struct SenderStatistics: Sendable {
  /// Since the beginning; a report has the lower 32 bits of it.
  package private(set) var packetCount: UInt64 = 0
  /// Bytes of payload.
  package private(set) var octetCount: UInt64 = 0
  private let clockRate: UInt64
  private var lastTimestamp: UInt32 = 0
  private var lastInstant = Instant(nanoseconds: 0)

  /// `clockRate` in hertz.
  package init(clockRate: Int) {
    self.clockRate = UInt64(clockRate)
  }

  /// Counts one packet that is sent at `now`.
  package mutating func note(timestamp: UInt32, payloadCount: Int, at now: Instant) {
    packetCount += 1
    octetCount += UInt64(payloadCount)
    lastTimestamp = timestamp
    lastInstant = now
  }

  /// The sender's part of a report at `now`; nil before the first packet (then an RR is due).
  package func report(at now: Instant) -> SenderInfo? {
    guard packetCount > 0 else { return nil }
    let elapsed = Instant(nanoseconds: now.nanoseconds(since: lastInstant))
    return SenderInfo(
      ntpTime: MediaClock.ntpTime(at: now),
      rtpTime: lastTimestamp &+ MediaClock.units(at: elapsed, rate: clockRate),
      packetCount: UInt32(truncatingIfNeeded: packetCount),
      octetCount: UInt32(truncatingIfNeeded: octetCount))
  }
}
