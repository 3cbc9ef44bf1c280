package import Wire

/// Conversions between `Instant`, the media clock and the NTP form of RTCP.
package enum MediaClock {
  /// `now` in units of a media clock of `rate` hertz, modulo 2^32.
  package static func units(at now: Instant, rate: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: units64(at: now, rate: rate))
  }

  /// `now` in units of a media clock of `rate` hertz (at most 1 MHz).
  package static func units64(at now: Instant, rate: UInt64) -> UInt64 {
    let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return seconds &* rate &+ rest * rate / 1_000_000_000
  }

  /// `now` as an NTP timestamp. There is no wall clock in here, and RFC 3550 (section 4) allows any
  /// clock that runs at the same speed: only differences are ever used.
  package static func ntpTime(at now: Instant) -> UInt64 {
    let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return (seconds & 0xFFFF_FFFF) << 32 | (rest << 32) / 1_000_000_000
  }

  /// The round trip in microseconds that a report about us tells (RFC 3550, section 6.4.1); nil
  /// when it refers to no report of ours, or when its figures cannot be true (over 60 s).
  package static func roundTripMicroseconds(from block: ReportBlock, at now: Instant) -> UInt64? {
    guard block.lastSenderReport != 0 else { return nil }
    let middle = UInt32(truncatingIfNeeded: ntpTime(at: now) >> 16)
    let units = middle &- block.lastSenderReport &- block.delaySinceLastSenderReport
    guard units < 60 << 16 else { return nil }
    return (UInt64(units) * 1_000_000) >> 16
  }
}
