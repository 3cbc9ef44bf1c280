/// The least of what was seen in about the last two windows of time. A struct of numbers; any clock
/// and any unit do, as long as both stay the same.
struct RecentMinimum: Sendable {
  private let window: Int64
  private var start: Int64?
  private var now: Int64 = .max
  private var earlier: Int64 = .max

  /// `window` in units of the times that `note` is given.
  init(window: Int64) { self.window = window }

  /// Nil before anything was seen.
  var value: Int64? { start == nil ? nil : min(now, earlier) }

  mutating func note(_ value: Int64, at time: Int64) {
    if let start, time - start <= window {
      now = min(now, value)
    } else {
      earlier = now
      now = value
      start = time
    }
  }
}
