import CPacketLoop
import Glibc
import RelayCore
import Runtime
import Synchronization
import Wire

/// One worker: its sockets, its loop, its thread.
///
/// Made, asked and ended by the main thread. The sockets are opened before the thread starts, so
/// that their order in each reuseport group is the workers' order.
@safe final class WorkerThread {
  /// The worker's number, from 0.
  let number: Int
  private let state: UnsafeMutablePointer<WorkerState>
  private let loop: OpaquePointer
  private let argument: UnsafeMutablePointer<ThreadArgument>
  /// Posted by the thread when it has made a report.
  private let answered: UnsafeMutablePointer<sem_t>
  private var thread = pthread_t()
  private var isRunning = false

  /// Prepares everything that the thread needs; opens nothing.
  init(
    number: Int, listeners: [Int32], trunk: Int32, core: consuming RelayWorker,
    receiveBytesMax: Int, node: Int
  ) throws(RelayFailure) {
    self.number = number
    unsafe argument = .allocate(capacity: 1)
    unsafe answered = .allocate(capacity: 1)
    unsafe sem_init(answered, 0, 0)
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(
      to: WorkerState(
        core: core, trunkSocket: UInt16(listeners.count), answered: answered))
    unsafe LargePages.collapse(state.pointee.core.routeMemory)
    var options = unsafe pl_loop_options()
    unsafe options.batch = 64
    unsafe options.numa_node = Int32(node)
    unsafe options.sockets_max = UInt32(listeners.count + 1)
    unsafe options.handlers = LoopHandlers.make(for: state)
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else {
      throw RelayFailure("worker \(number): \(error.sentence)")
    }
    unsafe self.loop = loop
    for socket in listeners + [trunk] { try add(socket, receiveBytesMax, &error) }
  }

  deinit {
    precondition(!isRunning, "stop and join come first")
    unsafe pl_loop_destroy(loop)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
    unsafe argument.deallocate()
    unsafe sem_destroy(answered)
    unsafe answered.deallocate()
  }

  private func add(
    _ socket: Int32, _ receiveBytesMax: Int, _ error: inout pl_error
  ) throws(RelayFailure) {
    guard unsafe pl_loop_add_socket(loop, socket, UInt32(receiveBytesMax), &error) >= 0 else {
      throw RelayFailure("worker \(number): \(error.sentence)")
    }
  }

  /// Starts the thread. With `cpu` 0 or more it binds itself to that CPU first.
  func start(cpu: Int) throws(RelayFailure) {
    unsafe argument.initialize(to: ThreadArgument(loop: loop, cpu: Int32(cpu)))
    let failure = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe argument!.assumingMemoryBound(to: ThreadArgument.self).pointee.run()
        return nil
      }, argument)
    guard failure == 0 else {
      throw RelayFailure("worker \(number) cannot be started: errno \(failure)")
    }
    isRunning = true
  }

  /// Asks the thread to end after its present turn.
  func stop() { unsafe pl_loop_stop(loop) }

  /// Waits for the thread's end.
  func join() {
    guard isRunning else { return }
    pthread_join(thread, nil)
    isRunning = false
  }

  /// Asks for a report; `waitForReport` gives it.
  func wantReport() {
    unsafe state.pointee.wanted.add(1, ordering: .releasing)
    unsafe pl_loop_wake(loop)
  }

  /// The report asked for; nil when the thread is too busy to make it within `seconds`.
  func waitForReport(seconds: Int) -> PublishedReport? {
    var limit = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &limit)
    limit.tv_sec += seconds
    while true {
      let wanted = unsafe state.pointee.wanted.load(ordering: .acquiring)
      let report = unsafe state.pointee.published.withLock { $0 }
      if report.answers == wanted { return report }
      let failed = unsafe sem_timedwait(answered, &limit) != 0
      if failed && errno == ETIMEDOUT { return nil }
    }
  }

  /// The last word of a thread that has ended.
  func finalReport() -> PublishedReport {
    precondition(!isRunning)
    return unsafe PublishedReport(
      answers: 0, counters: state.pointee.core.counters, routes: state.pointee.core.routeCount)
  }

  /// What the loop counts.
  func socketCounters() -> SocketCounters {
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    return SocketCounters(
      received: counters.received, sent: counters.sent,
      sendFailures: counters.failed_full &+ counters.failed_refused &+ counters.failed_too_big
        &+ counters.failed_not_permitted &+ counters.failed_other)
  }
}

/// What a worker's thread is given: plain memory, for it comes through a C pointer.
@safe private struct ThreadArgument: BitwiseCopyable {
  let loop: OpaquePointer
  /// The CPU to run on, or -1 for any.
  let cpu: Int32

  /// The thread's whole life.
  func run() {
    if cpu >= 0 { pl_pin_to_cpu(cpu) }
    unsafe pl_loop_run(loop)
  }
}
