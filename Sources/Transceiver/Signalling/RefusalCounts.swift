package import Wire

/// Requests that were refused, by reason; and which of them are worth a log line, since a stranger
/// can make any number of them.
package struct RefusalCounts: Sendable {
  /// The status and the `code` of the error that said no.
  package struct Reason: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let status: UInt16
    package let code: String

    package init(_ status: UInt16, _ code: String) {
      self.status = status
      self.code = code
    }

    package var description: String { "\(status) \(code)" }

    package static func < (a: Reason, b: Reason) -> Bool {
      (a.status, a.code) < (b.status, b.code)
    }
  }

  /// Lines at once, and then one a second.
  static let linesAtOnce = 10
  private static let millisecondsPerLine: UInt64 = 1_000
  /// More reasons than there are; all codes are ours.
  static let reasonsMax = 100
  private static let other = Reason(0, "other")

  private var counts: [Reason: UInt64] = [:]
  private var linesLeft = linesAtOnce
  private var earnedAt = Instant(nanoseconds: 0)
  private var unlogged: UInt64 = 0

  package init() {}

  /// How often each reason was given, in the order of their statuses.
  package var sorted: [(reason: Reason, count: UInt64)] {
    counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Counts a refusal. Not nil when it may have a log line: how many had none since the last line.
  package mutating func note(_ reason: Reason, at now: Instant) -> UInt64? {
    let isKnown = counts[reason] != nil || counts.count < Self.reasonsMax
    counts[isKnown ? reason : Self.other, default: 0] &+= 1
    earn(at: now)
    guard linesLeft > 0 else {
      unlogged &+= 1
      return nil
    }
    linesLeft -= 1
    defer { unlogged = 0 }
    return unlogged
  }

  private mutating func earn(at now: Instant) {
    let earned = now.milliseconds(since: earnedAt) / Self.millisecondsPerLine
    guard earned > 0 else { return }
    earnedAt = now
    linesLeft = Int(min(UInt64(linesLeft) &+ earned, UInt64(Self.linesAtOnce)))
  }
}
