package import Wire

/// When a shard counts as overloaded, and what becomes of new calls then.
package struct AdmissionLimits: Hashable, Sendable {
  /// Late frames, in percent of a second's, from which the second is a bad one; more than 100 for
  /// never. A shard that its own calls overload comes near 100 within two seconds; the hiccups of
  /// a machine with other work to do stay below.
  package var latePercent = 25
  /// The share of the second that the shard's thread worked, in percent of a CPU, from which it is
  /// a bad one; more than 100 for never. Frames begin to be late at about 95.
  package var busyPercent = 85
  /// Whether an overloaded shard refuses new calls. It says so in any case.
  package var refuses = true

  package init() {}
}

/// What a shard did in about a second.
package struct ShardSecond: Hashable, Sendable {
  /// Frames that were due, and those of them that left more than `lateMilliseconds` after it.
  package var frames: UInt64 = 0
  package var lateFrames: UInt64 = 0
  /// What the thread had of a CPU, in nanoseconds, and how long the second was.
  package var busyNanoseconds: UInt64 = 0
  package var nanoseconds: UInt64 = 0
  /// Trunk datagrams that found the receive queue full.
  package var lostUnread: UInt64 = 0
  /// Calls that lived at its beginning, and at its end.
  package var callsBefore = 0
  package var calls = 0

  /// A frame that leaves later than this after it was due is late.
  package static let lateMilliseconds: UInt64 = 10

  package init() {}

  /// 0...100; 0 for a second without frames.
  package var latePercent: Int {
    frames == 0 ? 0 : Int(clamping: min(lateFrames, frames) * 100 / frames)
  }

  /// 0...100.
  package var busyPercent: Int {
    nanoseconds == 0
      ? 0 : Int(clamping: min(busyNanoseconds, nanoseconds) / (nanoseconds / 100 + 1))
  }
}

/// Whether one shard may take new calls, told from its last seconds.
///
/// Pure: seconds in, a verdict out. Three bad seconds in a row make it overloaded, so that no
/// single hiccup does; five good ones, by a lower mark, end it, so that it does not flap while its
/// calls keep it at the limit. Before that, what its calls have cost says how many it may have at
/// most, so that many which begin at once do not carry it past the limit within those seconds. A
/// shard that is late and has hardly worked is held up by something else on its machine: that is
/// told, but refusing calls would not help, and refuses nobody.
package struct Admission: Sendable {
  /// Why a shard is late, as far as its own figures tell.
  package enum Cause: Hashable, Sendable {
    /// It has more calls than its thread can do.
    case calls
    /// It does not get the CPU for the calls that it has.
    case others
  }

  /// What is worth a line in the log.
  package enum News: Hashable, Sendable {
    /// It is late; `unsaid` times it was since the last line, without one.
    case late(Cause, unsaid: UInt64)
    case recovered
  }

  static let secondsToRefuse = 3
  static let secondsToAdmit = 5
  /// Who has worked less of a second than this is not late because of its own calls.
  static let ownPercentMin = 40
  /// The lower marks, in percent of the limits.
  private static let latePartToAdmit = 50
  private static let busyPartToAdmit = 90
  /// From one line to the next.
  static let silenceMilliseconds: UInt64 = 60_000
  /// Seconds that are further apart have nothing to do with each other.
  private static let gapMilliseconds: UInt64 = 10_000

  private let limits: AdmissionLimits
  /// The shard has been late for a while, for this cause; nil while it is in order.
  package private(set) var cause: Cause?
  /// How often that began.
  package private(set) var overloads: UInt64 = 0
  /// The last second.
  package private(set) var last = ShardSecond()
  /// The calls that each of the last seconds allows.
  private var allowances: [Int] = []
  private var badSeconds = 0
  private var goodSeconds = 0
  private var notedAt: Instant?
  private var said: (cause: Cause, at: Instant)?
  private var unsaid: UInt64 = 0

  package init(_ limits: AdmissionLimits = AdmissionLimits()) {
    self.limits = limits
  }

  /// Whether new calls are to be sent away.
  package var refuses: Bool { limits.refuses && cause == .calls }

  /// How many calls it may have, by what each of those that it has costs: the most that one of the
  /// last seconds allows. `Int.max` while nothing is near its limit.
  package var callsMax: Int {
    let isKnown = limits.refuses && allowances.count == Self.secondsToRefuse
    return isKnown ? allowances.max() ?? .max : .max
  }

  /// Takes the figures of the second that ended at `now`.
  package mutating func note(_ second: ShardSecond, at now: Instant) -> News? {
    if let notedAt, now.milliseconds(since: notedAt) > Self.gapMilliseconds { forget() }
    notedAt = now
    last = second
    if allowances.count == Self.secondsToRefuse { allowances.removeFirst() }
    allowances.append(allowance(second))
    badSeconds = isBad(second) ? badSeconds + 1 : 0
    goodSeconds = isGood(second) ? goodSeconds + 1 : 0
    if cause != nil, goodSeconds >= Self.secondsToAdmit {
      cause = nil
      // Who was never told of it needs not be told of its end.
      return unsaid == 0 ? .recovered : nil
    }
    guard badSeconds >= Self.secondsToRefuse else { return nil }
    let isNew = cause == nil
    if isNew { overloads &+= 1 }
    // Once its own, it stays its own: with its calls refused a shard works less.
    let isOwn = second.busyPercent >= min(Self.ownPercentMin, limits.busyPercent)
    let cause = self.cause == .calls || isOwn ? Cause.calls : .others
    self.cause = cause
    return say(cause, isNew: isNew, at: now)
  }

  private mutating func say(_ cause: Cause, isNew: Bool, at now: Instant) -> News? {
    // That calls are refused is said also just after others were blamed.
    if let said, now.milliseconds(since: said.at) < Self.silenceMilliseconds,
      cause == said.cause || cause == .others
    {
      if isNew { unsaid &+= 1 }
      return nil
    }
    said = (cause, now)
    defer { unsaid = 0 }
    return .late(cause, unsaid: unsaid)
  }

  private mutating func forget() {
    cause = nil
    allowances = []
    badSeconds = 0
    goodSeconds = 0
  }

  /// Too little work says nothing of what a call costs.
  private func allowance(_ second: ShardSecond) -> Int {
    let (limit, busy) = (limits.busyPercent, second.busyPercent)
    let calls = (second.callsBefore + second.calls + 1) / 2
    guard limit <= 100, busy > 0, busy * 2 >= limit, calls > 0 else { return .max }
    return max(1, calls * limit / busy)
  }

  private func isBad(_ second: ShardSecond) -> Bool {
    second.latePercent >= limits.latePercent || second.busyPercent >= limits.busyPercent
      || second.lostUnread > 0 || second.calls >= callsMax
  }

  /// Below both lower marks; a limit of more than 100 has none.
  private func isGood(_ second: ShardSecond) -> Bool {
    let isPunctual =
      limits.latePercent > 100
      || second.latePercent * 100 < limits.latePercent * Self.latePartToAdmit
    let hasTime =
      limits.busyPercent > 100
      || second.busyPercent * 100 < limits.busyPercent * Self.busyPartToAdmit
    return isPunctual && hasTime && second.lostUnread == 0
  }
}
