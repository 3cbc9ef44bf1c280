import CPacketLoop
package import Wire

/// What the main thread of a program has to do, one thing after another, while its other threads
/// work: what signals ask for, and what comes round with time.
package struct MainDuties {
  /// What `next` gives. When several are due a report comes first, then a look, then the signals.
  package enum Duty {
    /// Look whether an operator must hear of something. Comes about once a second.
    case look
    /// Tell what has been done so far: SIGUSR1, or the regular time.
    case report
    /// SIGHUP came, which has no meaning yet.
    case refuseHangUp
    /// End: SIGINT, SIGTERM, or the terminal that the program was started from is gone.
    case stop
  }

  /// What to say when SIGHUP is refused.
  package static let hangUpText =
    "SIGHUP is ignored: nothing can be read again yet; start the program again for other settings"

  private static let lookMilliseconds: UInt64 = 1_000

  private var signals = StopSignals()
  private let reportMilliseconds: UInt64
  private var nextLook: Instant
  private var nextReport: Instant

  /// To be made on the main thread before there is another: it blocks the signals. `reportSeconds`
  /// 0: only SIGUSR1 asks for reports.
  package init(reportSeconds: Int) {
    reportMilliseconds = UInt64(reportSeconds) * 1_000
    nextLook = Self.now.advanced(byMilliseconds: Self.lookMilliseconds)
    nextReport =
      reportSeconds == 0 ? .never : Self.now.advanced(byMilliseconds: reportMilliseconds)
  }

  /// The monotonic clock's time.
  package static var now: Instant { Instant(nanoseconds: pl_now()) }

  /// Waits for the next thing to do.
  package mutating func next() -> Duty {
    while true {
      let now = Self.now
      if nextReport <= now {
        nextReport = now.advanced(byMilliseconds: reportMilliseconds)
        return .report
      }
      if nextLook <= now {
        nextLook = now.advanced(byMilliseconds: Self.lookMilliseconds)
        return .look
      }
      let wait = min(nextLook, nextReport).milliseconds(since: now) + 1
      switch signals.next(milliseconds: Int(wait)) {
      case .stop: return .stop
      case .report: return .report
      case .hangUp: return .refuseHangUp
      case .timeout: continue
      }
    }
  }
}
