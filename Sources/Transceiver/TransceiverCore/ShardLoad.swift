import Session
import Signalling
import Token
import Voice
package import Wire

/// What the clocks of a shard's thread show, and what its socket has lost so far.
package struct ShardClocks: Sendable {
  /// Nanoseconds of a CPU that the thread has had.
  package var busyNanoseconds: UInt64
  /// Nanoseconds of the monotonic clock.
  package var nanoseconds: UInt64
  /// Trunk datagrams that found the receive queue full.
  package var lostUnread: UInt64

  /// All count from any fixed moment: differences are used.
  package init(busyNanoseconds: UInt64, nanoseconds: UInt64, lostUnread: UInt64) {
    self.busyNanoseconds = busyNanoseconds
    self.nanoseconds = nanoseconds
    self.lostUnread = lostUnread
  }
}

/// Counts what `Admission` judges by.
struct ShardLoad {
  var admission: Admission
  /// Turns of sessions, and those of them that ended more than `ShardSecond.lateMilliseconds` after
  /// they were due, in all.
  private(set) var frames: UInt64 = 0
  private(set) var lateFrames: UInt64 = 0
  private var framesBefore: UInt64 = 0
  private var lateBefore: UInt64 = 0
  private var clocksBefore = ShardClocks(busyNanoseconds: 0, nanoseconds: 0, lostUnread: 0)
  private var callsBefore = 0
  /// What was told last.
  var callsMax = Int.max

  init(_ limits: AdmissionLimits) {
    admission = Admission(limits)
  }

  mutating func noteFrame(nanosecondsLate: UInt64) {
    frames &+= 1
    if nanosecondsLate > ShardSecond.lateMilliseconds * 1_000_000 { lateFrames &+= 1 }
  }

  /// What has happened since the last time: about a second while the shard has calls.
  mutating func second(calls: Int, _ clocks: ShardClocks) -> ShardSecond {
    var second = ShardSecond()
    second.frames = frames &- framesBefore
    second.lateFrames = lateFrames &- lateBefore
    second.busyNanoseconds = clocks.busyNanoseconds &- clocksBefore.busyNanoseconds
    second.nanoseconds = clocks.nanoseconds &- clocksBefore.nanoseconds
    second.lostUnread = clocks.lostUnread &- clocksBefore.lostUnread
    (second.callsBefore, second.calls) = (callsBefore, calls)
    (callsBefore, framesBefore, lateBefore, clocksBefore) = (calls, frames, lateFrames, clocks)
    return second
  }
}

extension Shard {
  /// Whether `endSecond` is due.
  package mutating func isSecondOver(at now: Instant) -> Bool { nextSecondAt <= now }

  /// Once a second while there are calls: tells how they fare, and judges whether the shard keeps
  /// up with them. Drain afterwards.
  package mutating func endSecond(_ clocks: ShardClocks, at now: Instant) {
    nextSecondAt = now.advanced(byMilliseconds: 1_000)
    publishFigures(at: now)
    let second = load.second(calls: calls.count, clocks)
    outbox.budget.renew(
      nanoseconds: second.nanoseconds, busyNanoseconds: second.busyNanoseconds,
      isLate: second.latePercent > 0)
    judge(second, at: now)
  }

  /// What the page and the operator may read.
  private mutating func publishFigures(at now: Instant) {
    var living: [(call: CallID, figures: SessionFigures)] = []
    for slot in calls.occupied {
      let call = calls[slot]
      call.figures.update(from: call.session, at: now)
      effects.append(.figures(call.callID, call.figures))
      if let figures = call.figures.session { living.append((call.callID, figures)) }
    }
    guard let counts = lossyCalls.look(living) else { return }
    effects.append(.lossyCalls(counts.lossy, speaking: counts.speaking))
  }

  mutating func judge(_ second: ShardSecond, at now: Instant) {
    let news = load.admission.note(second, at: now)
    let refuses = load.admission.refuses
    let callsMax = refuses ? 0 : load.admission.callsMax
    if callsMax != load.callsMax {
      load.callsMax = callsMax
      effects.append(.callsMax(callsMax))
    }
    if let news { effects.append(.load(news, second, calls: calls.count, refuses: refuses)) }
  }
}
