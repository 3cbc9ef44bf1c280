import Log
package import Wire

/// Watches counters and says what an operator must hear of: the first time at once, then each
/// complaint at most once a minute, with how much came since.
///
/// A plain value without a clock: whoever has it looks about once a second, off the packet path.
package struct Complaints: Sendable {
  fileprivate struct Watched {
    let complaint: Complaint
    /// The counter when the present minute began.
    var atBegin: UInt64 = 0
    var begin: Instant?
    /// Whether the present minute began with a line, so that the next has to wait for its end.
    var isSaid = false
    /// The counter at the last line.
    var atLine: UInt64 = 0
    /// The counter at the last look.
    var last: UInt64 = 0
  }

  /// How long a complaint keeps silent after a line, and `Complaint.leastInAMinute` has time.
  static let minuteMilliseconds: UInt64 = 60_000

  private var watched: [Watched]

  /// Every counter counts from 0 and never goes back; what it has at the first look counts.
  package init(_ table: [Complaint]) {
    watched = table.map { Watched(complaint: $0) }
  }

  /// The lines that are due at `now`, in the table's order. `figures` has every counter of the
  /// table by its name (one that is not there reads 0); `details` what else is known of a counter,
  /// such as the ID that was asked for in vain.
  package mutating func look(
    at figures: [(name: String, value: UInt64)], details: [String: String] = [:], now: Instant
  ) -> [ComplaintLine] {
    let values = Dictionary(figures.map { ($0.name, $0.value) }) { first, _ in first }
    var lines: [ComplaintLine] = []
    for index in watched.indices {
      let name = watched[index].complaint.counter
      guard watched[index].isDue(values[name] ?? 0, now) else { continue }
      lines.append(watched[index].takeLine(details[name], now))
    }
    return lines
  }

  /// The lines of everything that has grown enough since its last line, whether or not its minute
  /// is over: for the end.
  package mutating func lastWords(
    of figures: [(name: String, value: UInt64)], details: [String: String] = [:], now: Instant
  ) -> [ComplaintLine] {
    let values = Dictionary(figures.map { ($0.name, $0.value) }) { first, _ in first }
    var lines: [ComplaintLine] = []
    for index in watched.indices {
      let name = watched[index].complaint.counter
      watched[index].last = max(values[name] ?? 0, watched[index].last)
      let growth = watched[index].last - watched[index].atLine
      guard growth >= watched[index].complaint.leastInAMinute else { continue }
      lines.append(watched[index].takeLine(details[name], now))
    }
    return lines
  }
}

extension Complaints.Watched {
  /// Notes the counter, and whether a line is due.
  fileprivate mutating func isDue(_ value: UInt64, _ now: Instant) -> Bool {
    // A counter of several threads may be read a little behind.
    last = max(value, last)
    let isOver =
      begin.map { now.milliseconds(since: $0) >= Complaints.minuteMilliseconds } ?? true
    let growth = last - atBegin
    if growth >= complaint.leastInAMinute, isOver || !isSaid { return true }
    if isOver {
      begin = now
      atBegin = last
      isSaid = false
    }
    return false
  }

  fileprivate mutating func takeLine(_ detail: String?, _ now: Instant) -> ComplaintLine {
    let line = ComplaintLine(
      event: complaint.event,
      fields: [
        ("counter", .text(complaint.counter)),
        ("since_last", .number(Int(clamping: last - atLine))),
        ("in_all", .number(Int(clamping: last))),
      ] + (detail.map { [("detail", .text($0))] } ?? []) + [
        ("likely_cause", .text(complaint.cause)), ("remedy", .text(complaint.remedy)),
      ])
    begin = now
    atBegin = last
    atLine = last
    isSaid = true
    return line
  }
}
