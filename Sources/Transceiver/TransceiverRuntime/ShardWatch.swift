import CPacketLoop
import Glibc
import Log
import Runtime
import Session
import Signalling
import Voice
import Wire

/// Counts what `Admission` judges by, on the shard's thread.
struct ShardWatch {
  var admission: Admission
  /// Turns of sessions, and those of them that ended more than `ShardSecond.lateMilliseconds` after
  /// they were due, in all.
  private(set) var frames: UInt64 = 0
  private(set) var lateFrames: UInt64 = 0
  private var framesBefore: UInt64 = 0
  private var lateBefore: UInt64 = 0
  private var busyBefore: UInt64 = 0
  private var lostBefore: UInt64 = 0
  private var wallBefore: UInt64 = 0
  private var callsBefore = 0
  /// What the registry was told last.
  var callsMax = Int.max

  init(_ limits: AdmissionLimits) {
    admission = Admission(limits)
  }

  mutating func noteFrame(nanosecondsLate: UInt64) {
    frames &+= 1
    if nanosecondsLate > ShardSecond.lateMilliseconds * 1_000_000 { lateFrames &+= 1 }
  }

  /// What has happened since the last time: about a second while the shard has calls.
  mutating func second(calls: Int, lostUnread: UInt64) -> ShardSecond {
    let wall = pl_now()
    let busy = Self.threadNanoseconds()
    var second = ShardSecond()
    second.frames = frames &- framesBefore
    second.lateFrames = lateFrames &- lateBefore
    second.busyNanoseconds = busy &- busyBefore
    second.nanoseconds = wall &- wallBefore
    second.lostUnread = lostUnread &- lostBefore
    (second.callsBefore, second.calls) = (callsBefore, calls)
    callsBefore = calls
    (framesBefore, lateBefore, busyBefore) = (frames, lateFrames, busy)
    (wallBefore, lostBefore) = (wall, lostUnread)
    return second
  }

  /// What the calling thread has had of a CPU so far.
  private static func threadNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension Shard {
  /// Once a second while there are calls: whether this shard keeps up.
  func judge(at now: Instant, through loop: OpaquePointer) {
    var loopCounters = pl_counters()
    unsafe pl_loop_counters(loop, &loopCounters)
    let lost = SocketCounters(loopCounters).lost(besides: 0)
    let second = watch.second(calls: sessions.count, lostUnread: lost)
    outbox.budget.renew(
      nanoseconds: second.nanoseconds, busyNanoseconds: second.busyNanoseconds,
      isLate: second.latePercent > 0)
    heed(second, at: now)
  }

  func heed(_ second: ShardSecond, at now: Instant) {
    let news = watch.admission.note(second, at: now)
    let callsMax = watch.admission.refuses ? 0 : watch.admission.callsMax
    if callsMax != watch.callsMax {
      watch.callsMax = callsMax
      registry.set(callsMax: callsMax, shard: identity.transceiver.shard)
    }
    if let news { log(news, second) }
  }

  private func log(_ news: Admission.News, _ second: ShardSecond) {
    let fields: [(key: String, value: LogValue)] = [
      ("transceiver", .text("\(identity.transceiver)")), ("calls", .number(sessions.count)),
      ("late_percent", .number(second.latePercent)), ("busy_percent", .number(second.busyPercent)),
      ("lost_unread", .number(Int(clamping: second.lostUnread))),
    ]
    switch news {
    case .recovered: log.info("shard-keeps-up-again", fields)
    case .late(let cause, let unsaid):
      log.warning(
        "shard-overloaded",
        fields + [
          ("new_calls", .text(watch.admission.refuses ? "refused with 503" : "taken")),
          ("unsaid_before", .number(Int(clamping: unsaid))),
          ("likely_cause", .text(cause.sentence)), ("remedy", .text(cause.remedy)),
        ])
    }
  }
}

extension Admission.Cause {
  fileprivate var sentence: String {
    switch self {
    case .calls: "it has more calls than its thread can do"
    case .others: "other programs take the CPU that it waits for"
    }
  }

  fileprivate var remedy: String {
    switch self {
    case .calls: "more --shards where CPUs are idle, another machine where not, or fewer --calls"
    case .others: "CPUs of its own, or less beside it"
    }
  }
}
