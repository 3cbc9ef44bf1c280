import CPacketLoop
import Glibc
import RelayCore
import Synchronization
import Wire

/// One worker: its sockets, its loop, its thread.
///
/// Made, asked and ended by the main thread. The sockets are opened before the thread starts, so
/// that their order in each reuseport group is the workers' order.
final class WorkerThread {
  /// The worker's number, from 0.
  let number: Int
  /// One socket per listener, in the listeners' order.
  private let listeners: [Int32]
  private let trunk: Int32
  private let state: UnsafeMutablePointer<WorkerState>
  private let loop: OpaquePointer
  private var thread = pthread_t()
  private var isRunning = false

  /// Prepares everything that the thread needs; opens nothing.
  init(
    number: Int, listeners: [Int32], trunk: Int32, core: consuming RelayWorker,
    receiveBytesMax: Int
  ) throws(RelayFailure) {
    self.number = number
    self.listeners = listeners
    self.trunk = trunk
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(
      to: WorkerState(core: core, trunkSocket: UInt16(listeners.count)))
    var options = pl_options()
    options.batch = 64
    options.buffer_size = UInt32(receiveBytesMax)
    options.node = -1
    unsafe options.handlers = LoopHandlers.make(for: state)
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else {
      throw RelayFailure("worker \(number): \(error.sentence)")
    }
    unsafe self.loop = loop
    for socket in listeners + [trunk] { unsafe pl_loop_add_socket(loop, socket) }
  }

  deinit {
    precondition(!isRunning, "stop and join come first")
    unsafe pl_loop_destroy(loop)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  /// Starts the thread.
  func start() throws(RelayFailure) {
    let failure = unsafe pthread_create(
      &thread, nil,
      { loop in
        unsafe pl_loop_run(OpaquePointer(loop!))
        return nil
      }, UnsafeMutableRawPointer(loop))
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
    unsafe pthread_join(thread, nil)
    isRunning = false
  }

  /// Asks for a report; `report` gives it when the thread has made it.
  func wantReport() {
    unsafe state.pointee.wanted.add(1, ordering: .releasing)
    unsafe pl_loop_wake(loop)
  }

  /// The report asked for, or nil when the thread has not made it yet.
  func report() -> PublishedReport? {
    let wanted = unsafe state.pointee.wanted.load(ordering: .acquiring)
    let report = unsafe state.pointee.published.withLock { $0 }
    return report.answers == wanted ? report : nil
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
      received: counters.received, sent: counters.sent, sendFailures: counters.send_failures)
  }
}
