import Glibc
import Synchronization

/// Writes lines to a descriptor from a thread of its own: who has something to say never waits for
/// whoever reads it (a pager that was stopped, a journal that hangs, a terminal with Ctrl-S).
///
/// What waits is bounded; what finds no room is lost, counted, and said as soon as the reader reads
/// again, in its place between the lines. Order is kept, and each line is one `write`. At the
/// process's end (`exit`) what waits is written, for a second at most.
@safe package final class LineWriter: @unchecked Sendable {
  // @unchecked: semaphores are made for any thread; everything else is behind the mutex.

  /// Bytes that may wait, and lines.
  package static let bytesMax = 256 * 1_024
  /// The first bound that is reached counts. Both are halved from a loss until it is told of.
  package static let linesMax = 4_096
  /// How long the process's end waits for the reader.
  static let endMilliseconds = 1_000

  /// Why lines were lost.
  package enum Loss: Sendable, Equatable {
    /// They found no room.
    case slowReader
    /// The system refused to write them; in its words.
    case refused(String)
  }

  private struct Line {
    let bytes: [UInt8]
    /// How many lines are lost with it: itself, or those that it tells of.
    var weight: UInt64 = 1
    var tellsOfLoss = false
  }

  private struct Waiting {
    var lines: [Line] = []
    /// Of `lines` and of what the thread has taken and not written yet.
    var bytes = 0
    var count = 0
    var lost: UInt64 = 0
    var reason = Loss.slowReader
    var lostInAll: UInt64 = 0
    var isRunning = false
    var isEnded = false
    /// Who waits for the end of the last line.
    var flushers = 0
  }

  private let descriptor: Int32
  private let makeLossLine: @Sendable (UInt64, Loss) -> String
  private let waiting = Mutex(Waiting())
  private let hasWork: UnsafeMutablePointer<sem_t>
  private let isIdle: UnsafeMutablePointer<sem_t>

  /// - Parameter lossLine: the line, with its end, that says how many lines were lost there, and
  ///   why.
  package init(
    descriptor: Int32, lossLine: @escaping @Sendable (_ count: UInt64, _ loss: Loss) -> String
  ) {
    self.descriptor = descriptor
    makeLossLine = lossLine
    unsafe hasWork = .allocate(capacity: 1)
    unsafe isIdle = .allocate(capacity: 1)
    unsafe sem_init(hasWork, 0, 0)
    unsafe sem_init(isIdle, 0, 0)
    LineWriters.add(self)
  }

  deinit {
    unsafe sem_destroy(hasWork)
    unsafe sem_destroy(isIdle)
    unsafe hasWork.deallocate()
    unsafe isIdle.deallocate()
  }

  /// Lines lost so far. Any thread.
  package var linesLost: UInt64 { waiting.withLock { $0.lostInAll } }

  /// Gives a line, with its end, to be written. Any thread; never waits.
  package func write(_ line: String) {
    guard descriptor >= 0 else { return }
    let bytes = Array(line.utf8)
    let isTaken = waiting.withLock { waiting in
      let isTaken = take(bytes, &waiting)
      if !waiting.isRunning { waiting.isRunning = start() }
      return isTaken
    }
    if isTaken { unsafe sem_post(hasWork) }
  }

  /// Once something was lost, half of the room has to be free again: or else every other line would
  /// tell of the lines between.
  private func take(_ bytes: [UInt8], _ waiting: inout Waiting) -> Bool {
    let share = waiting.lost == 0 ? 1 : 2
    guard waiting.bytes + bytes.count <= Self.bytesMax / share,
      waiting.count < Self.linesMax / share
    else {
      lose(Line(bytes: bytes), .slowReader, &waiting)
      return false
    }
    tellOfLoss(&waiting)
    append(Line(bytes: bytes), &waiting)
    return true
  }

  private func lose(_ line: Line, _ reason: Loss, _ waiting: inout Waiting) {
    waiting.lost += line.weight
    waiting.lostInAll += line.tellsOfLoss ? 0 : 1
    waiting.reason = reason
  }

  private func tellOfLoss(_ waiting: inout Waiting) {
    guard waiting.lost > 0 else { return }
    let text = makeLossLine(waiting.lost, waiting.reason)
    append(Line(bytes: Array(text.utf8), weight: waiting.lost, tellsOfLoss: true), &waiting)
    waiting.lost = 0
  }

  private func append(_ line: Line, _ waiting: inout Waiting) {
    waiting.lines.append(line)
    waiting.bytes += line.bytes.count
    waiting.count += 1
  }

  /// Waits until everything has been written, `milliseconds` at most. False when it has not.
  @discardableResult
  package func flush(milliseconds: Int = LineWriter.endMilliseconds) -> Bool {
    var limit = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &limit)
    let nanoseconds = limit.tv_nsec + milliseconds % 1_000 * 1_000_000
    limit.tv_sec += milliseconds / 1_000 + nanoseconds / 1_000_000_000
    limit.tv_nsec = nanoseconds % 1_000_000_000
    while true {
      let isDone = waiting.withLock { waiting in
        let isSaid = waiting.lost == 0 || waiting.reason != .slowReader
        if waiting.count == 0 && isSaid || !waiting.isRunning { return true }
        waiting.flushers += 1
        return false
      }
      if isDone { return true }
      unsafe sem_post(hasWork)
      if unsafe sem_timedwait(isIdle, &limit) != 0 && errno == ETIMEDOUT { return false }
    }
  }

  /// Ends the thread after what waits now: for writers that do not live as long as the process.
  package func end() {
    waiting.withLock { $0.isEnded = true }
    unsafe sem_post(hasWork)
  }

  // MARK: - The thread

  /// Starts it with every signal blocked: signals are for the thread that waits for them, and a
  /// reader that went away is an error of `write` and no SIGPIPE.
  private func start() -> Bool {
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(self)
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<LineWriter>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      unsafe context.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private func run() {
    while true {
      let (lines, isEnded) = waiting.withLock { waiting in
        // Where the system refuses lines, the next one has to show that it does not any more.
        if waiting.lines.isEmpty && waiting.reason == .slowReader { tellOfLoss(&waiting) }
        let lines = waiting.lines
        waiting.lines = []
        return (lines, waiting.isEnded)
      }
      for line in lines { writeOut(line) }
      if !lines.isEmpty { continue }
      wakeFlushers()
      if isEnded { return }
      while unsafe sem_wait(hasWork) != 0 {}
    }
  }

  private func wakeFlushers() {
    let flushers = waiting.withLock { waiting in
      defer { waiting.flushers = 0 }
      return waiting.flushers
    }
    for _ in 0..<flushers { unsafe sem_post(isIdle) }
  }

  private func writeOut(_ line: Line) {
    let failure = Self.write(line.bytes, to: descriptor)
    waiting.withLock { waiting in
      waiting.bytes -= line.bytes.count
      waiting.count -= 1
      // A reader that is gone for good will read of no loss.
      if failure != 0, failure != EPIPE, failure != EBADF {
        lose(line, .refused(Self.text(failure)), &waiting)
      }
    }
  }

  /// Waits as long as it takes. Returns 0 or errno.
  private static func write(_ line: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = line[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count >= 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:  // somebody who shares the descriptor made it non-blocking
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&entry, 1, -1)
      default: return errno
      }
    }
    return 0
  }

  private static func text(_ number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}

/// The writers of this process, which its end waits for.
private enum LineWriters {
  private struct Entry: Sendable { weak let writer: LineWriter? }

  private static let all = Mutex<[Entry]>([])
  private static let atEnd: Void = {
    atexit { LineWriters.flush() }
  }()

  static func add(_ writer: LineWriter) {
    _ = atEnd
    all.withLock { all in
      all.removeAll { $0.writer == nil }
      all.append(Entry(writer: writer))
    }
  }

  private static func flush() {
    for entry in all.withLock({ $0 }) { entry.writer?.flush() }
  }
}
