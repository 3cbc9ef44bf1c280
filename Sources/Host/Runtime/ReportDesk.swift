import Glibc
import Synchronization

/// Where a thread lays down a report of its work that another one asked for. Who asks has its own
/// way to tell the thread, such as a letter with the number that `ask` gives.
@safe package final class ReportDesk<Report: Sendable>: @unchecked Sendable {
  // @unchecked: the semaphore is made for any thread; everything else is behind the mutex.
  private struct Laid {
    var asked: UInt64 = 0
    var answered: UInt64 = 0
    var report: Report?
  }

  private let laid = Mutex(Laid())
  private let isLaid: UnsafeMutablePointer<sem_t>

  /// Nobody has asked yet, and `last` is nil. The first question will be number 1.
  package init() {
    unsafe isLaid = .allocate(capacity: 1)
    unsafe sem_init(isLaid, 0, 0)
  }

  deinit {
    unsafe sem_destroy(isLaid)
    unsafe isLaid.deallocate()
  }

  /// The number of a new question. One asking thread at a time.
  package func ask() -> UInt64 {
    // Answers that nobody waited for.
    while unsafe sem_trywait(isLaid) == 0 {}
    return laid.withLock { laid in
      laid.asked += 1
      return laid.asked
    }
  }

  /// Lays down the answer to question `number` and to those before it. The working thread.
  package func answer(_ number: UInt64, _ report: Report) {
    laid.withLock { laid in
      laid.answered = number
      laid.report = report
    }
    unsafe sem_post(isLaid)
  }

  /// The answer to question `number` or a later one; nil when none comes within `seconds`. One
  /// asking thread at a time.
  package func wait(for number: UInt64, seconds: Int) -> Report? {
    var limit = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &limit)
    limit.tv_sec += seconds
    while true {
      if let report = laid.withLock({ $0.answered >= number ? $0.report : nil }) { return report }
      let failed = unsafe sem_timedwait(isLaid, &limit) != 0
      if failed && errno == ETIMEDOUT { return nil }
    }
  }

  /// The newest answer to any question. Any thread.
  package var last: Report? { laid.withLock { $0.report } }
}
