package import Wire

/// Whether the other side has fallen silent, or never spoke: it is asked and does not answer.
///
/// A plain value. Two counters that only grow come in: what was sent there, what came from there.
package struct Unanswered: Sendable {
  private let leastAsks: UInt64
  private let milliseconds: UInt64
  private var asked: UInt64 = 0
  private var answered: UInt64 = 0
  /// `asked` when the last answer was seen, and when more was asked after it.
  private var askedAtAnswer: UInt64 = 0
  private var firstAskAt: Instant?

  /// Silence is `leastAsks` asks and more without an answer, of which the first is as old as
  /// `milliseconds`.
  package init(leastAsks: UInt64, milliseconds: UInt64) {
    self.leastAsks = leastAsks
    self.milliseconds = milliseconds
  }

  /// Whether anything ever came from there.
  package var hasEverAnswered: Bool { answered > 0 }

  /// Notes both counters. Returns how many asks have become overdue since the last call: 0 as long
  /// as the other side answers.
  package mutating func note(asked: UInt64, answered: UInt64, at now: Instant) -> UInt64 {
    let before = self.asked
    self.asked = max(asked, before)
    if answered > self.answered {
      self.answered = answered
      askedAtAnswer = self.asked
      firstAskAt = nil
      isSilent = false
      return 0
    }
    guard self.asked > askedAtAnswer else { return 0 }
    let first = firstAskAt ?? now
    firstAskAt = first
    guard self.asked - askedAtAnswer >= leastAsks, now.milliseconds(since: first) >= milliseconds
    else { return 0 }
    defer { isSilent = true }
    return self.asked - (isSilent ? before : askedAtAnswer)
  }

  /// Whether the other side owes an answer for too long, as of the last `note`.
  package private(set) var isSilent = false
}
