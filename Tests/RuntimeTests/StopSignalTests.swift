import Glibc
import Runtime
import Testing

/// What signals mean to a program, each tried in a process of its own.
@Suite struct StopSignalTests {
  /// Whether the first duty is right of a process that has sent itself `signals`, in order.
  private static func hasDuties(
    after signals: [Int32], _ isRight: (MainDuties.Duty) -> Bool
  ) -> Bool {
    // No terminal of the test's own shall be taken for the process's.
    setsid()
    var duties = MainDuties(reportSeconds: 0)
    // To this thread: the test program has others, which block nothing.
    for signal in signals { pthread_kill(pthread_self(), signal) }
    return isRight(duties.next())
  }

  @Test func hangUpWithoutATerminalIsRefused() async {
    await #expect(processExitsWith: .success) {
      let isRight = Self.hasDuties(after: [SIGHUP]) {
        if case .refuseHangUp = $0 { true } else { false }
      }
      exit(isRight ? 0 : 1)
    }
  }

  @Test func terminationEnds() async {
    await #expect(processExitsWith: .success) {
      let isRight = Self.hasDuties(after: [SIGTERM]) { if case .stop = $0 { true } else { false } }
      exit(isRight ? 0 : 1)
    }
  }

  @Test func aReportIsAskedFor() async {
    await #expect(processExitsWith: .success) {
      let isRight = Self.hasDuties(after: [SIGUSR1]) {
        if case .report = $0 { true } else { false }
      }
      exit(isRight ? 0 : 1)
    }
  }

  @Test func timeBringsLooksAndReports() async {
    await #expect(processExitsWith: .success) {
      var duties = MainDuties(reportSeconds: 2)
      var looks = 0
      var reports = 0
      while true {
        switch duties.next() {
        case .look: looks += 1
        case .report:
          // A look a second; a report after two. A thread that is a second late finds the report
          // due as well, which comes first, and has its look behind that.
          reports += 1
          if looks > 2 || reports == 5 { exit(1) }
          if looks > 0 { exit(0) }
        default: exit(2)
        }
      }
    }
  }
}
