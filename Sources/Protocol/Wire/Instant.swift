/// A point on a monotonic clock that the caller owns, in nanoseconds from an arbitrary origin.
///
/// Protocol code never reads a clock: each call that needs the time is given one of these.
/// Runtimes take it from `CLOCK_MONOTONIC`, tests from thin air.
package struct Instant: Comparable, Hashable, Sendable, BitwiseCopyable {
  /// Nanoseconds since the clock's origin.
  package var nanoseconds: UInt64

  /// Nanoseconds from the origin of the caller's clock: two clocks' instants do not compare.
  @_noLocks @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Later than every deadline; "no timer is set".
  @inlinable package static var never: Instant { @_noLocks get { Instant(nanoseconds: .max) } }

  @_noLocks @inlinable package static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant `milliseconds` later; saturates at `never`.
  @_noLocks @inlinable package func advanced(byMilliseconds milliseconds: UInt64) -> Instant {
    let (delta, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    return overflow ? .never : advanced(byNanoseconds: delta)
  }

  /// The instant `nanoseconds` later; saturates at `never`.
  @_noLocks @inlinable package func advanced(byNanoseconds delta: UInt64) -> Instant {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(delta)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// The instant `milliseconds` earlier; the clock's origin when that is before it.
  @_noLocks @inlinable package func advanced(byMillisecondsBack milliseconds: UInt64) -> Instant {
    let (delta, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    return Instant(nanoseconds: overflow || delta > nanoseconds ? 0 : nanoseconds &- delta)
  }

  /// Nanoseconds from `earlier` to this instant; 0 when `earlier` is not earlier.
  @_noLocks @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0
  }

  /// Whole milliseconds from `earlier` to this instant; 0 when `earlier` is not earlier.
  @_noLocks @inlinable package func milliseconds(since earlier: Instant) -> UInt64 {
    nanoseconds(since: earlier) / 1_000_000
  }
}
