internal import Wire

/// The retransmission timeout of the one path (RFC 9260, section 6.3.1).
struct RetransmissionTimeout {
  private let minNanoseconds: UInt64
  private let maxNanoseconds: UInt64
  private(set) var nanoseconds: UInt64
  private(set) var smoothedNanoseconds: UInt64 = 0
  private var variationNanoseconds: UInt64 = 0

  init(_ parameters: SctpParameters) {
    minNanoseconds = parameters.rtoMinMilliseconds &* 1_000_000
    maxNanoseconds = parameters.rtoMaxMilliseconds &* 1_000_000
    nanoseconds = parameters.rtoInitialMilliseconds &* 1_000_000
  }

  /// Takes the round trip of something that was sent once (Karn's rule).
  mutating func sample(from sent: Instant, to now: Instant) {
    let measured = min(now.nanoseconds(since: sent), maxNanoseconds)
    if smoothedNanoseconds == 0 {
      smoothedNanoseconds = max(measured, 1)
      variationNanoseconds = measured / 2
    } else {
      let distance =
        measured > smoothedNanoseconds
        ? measured - smoothedNanoseconds : smoothedNanoseconds - measured
      variationNanoseconds = (variationNanoseconds * 3 + distance) / 4
      smoothedNanoseconds = max((smoothedNanoseconds * 7 + measured) / 8, 1)
    }
    let timeout = smoothedNanoseconds + 4 * variationNanoseconds
    nanoseconds = min(max(timeout, minNanoseconds), maxNanoseconds)
  }

  /// Doubles after an expiry (section 6.3.3, rule E2).
  mutating func backOff() { nanoseconds = min(nanoseconds * 2, maxNanoseconds) }

  func deadline(from now: Instant) -> Instant { now.advanced(byNanoseconds: nanoseconds) }
}
