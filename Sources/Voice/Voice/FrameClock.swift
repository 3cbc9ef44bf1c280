package import Wire

/// The step of a call's sound: a frame each 20 ms. Numbers only.
package struct FrameClock: Sendable {
  /// The same at every sampling rate (`PcmRate.frameSampleCount`).
  package static let frameNanoseconds: UInt64 = 20_000_000
  /// Who was held up for more frames than these drops what it missed instead of sending a burst.
  private static let burstMax: UInt64 = 5

  /// When the next frame is due.
  package private(set) var next: Instant
  private let gridNanoseconds: UInt64

  /// The first frame is due at the last multiple of `gridNanoseconds` that is not after `now`, so
  /// it waits for nothing.
  package init(at now: Instant, gridNanoseconds: UInt64 = 1) {
    precondition(gridNanoseconds > 0, "a grid has a distance")
    self.gridNanoseconds = gridNanoseconds
    next = Self.last(of: gridNanoseconds, at: now)
  }

  /// The frame that was due has been dealt with.
  package mutating func advance(at now: Instant) {
    next = next.advanced(byNanoseconds: Self.frameNanoseconds)
    guard now.nanoseconds(since: next) > Self.burstMax * Self.frameNanoseconds else { return }
    next = Self.last(of: gridNanoseconds, at: now).advanced(byNanoseconds: Self.frameNanoseconds)
  }

  private static func last(of grid: UInt64, at now: Instant) -> Instant {
    Instant(nanoseconds: now.nanoseconds / grid * grid)
  }
}
