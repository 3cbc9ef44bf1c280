package import Log

/// What the growth of one counter tells an operator: an entry of a program's table.
///
/// A counter that only says "somebody did this" needs none; one that grows because two programs
/// were told different things does. Where strangers can make it grow, `leastInAMinute` keeps single
/// datagrams of scanners out of the log, and `cause` says that a few may be just that.
package struct Complaint: Sendable {
  /// The counter's name in logs and in `--stats`.
  package let counter: String
  /// What has happened: a sentence without a full stop, always the same.
  package let event: String
  /// Why, most likely.
  package let cause: String
  /// What to do: the option or the command.
  package let remedy: String
  /// How many within a minute are worth a line: 1 or more.
  package let leastInAMinute: UInt64

  /// By default the first one is worth a line. Traps when `leastInAMinute` is 0.
  package init(
    _ counter: String, _ event: String, cause: String, remedy: String, leastInAMinute: UInt64 = 1
  ) {
    precondition(leastInAMinute > 0, "nothing would be complained about")
    self.counter = counter
    self.event = event
    self.cause = cause
    self.remedy = remedy
    self.leastInAMinute = leastInAMinute
  }
}

/// A complaint that is due: what to write into the log as a warning.
package struct ComplaintLine: Sendable, Equatable {
  /// `Complaint.event`: one text for one kind of complaint, to search logs for.
  package let event: String
  /// The counter, how much it grew since the last line and in all, what else is known, the likely
  /// cause, the remedy.
  package let fields: [(key: String, value: LogValue)]

  package static func == (left: ComplaintLine, right: ComplaintLine) -> Bool {
    left.event == right.event
      && left.fields.elementsEqual(right.fields) { $0.key == $1.key && $0.value == $1.value }
  }
}
