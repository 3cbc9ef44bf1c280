import CPacketLoop
import Crypto
import RelayCore
import Runtime
import Synchronization
import Token
import Trunk
import Wire

/// One worker: its sockets, its loop, its thread.
///
/// Asked and ended by the main thread. The thread goes to its CPU and then makes everything that it
/// works on, so that the kernel takes the memory from the CPU's own NUMA node; `start` returns when
/// that is done. The sockets are opened before, so that their order in each reuseport group is the
/// workers' order.
@safe final class WorkerThread: @unchecked Sendable {
  // @unchecked: the thread writes these until `start` returns, and only the main thread reads them
  // after. `wantReport` and `stop` tell the thread by an atomic and by its loop.

  /// Datagrams read at once from a socket.
  static let batch = 256

  /// The worker's number, from 0.
  var number: Int { plan.number }
  private let plan: WorkerPlan
  private var state: UnsafeMutablePointer<WorkerState>?
  private var flows: FlowMemory?
  private var loop: OpaquePointer?
  /// Why something that the worker can do without is refused, a sentence for each such thing.
  private(set) var refusals: [String] = []
  /// The CPU on which the worker's memory was first touched, and the NUMA node of its route table;
  /// -1 when the machine does not tell.
  private(set) var birthplace = (cpu: -1, node: -1)
  private let reports = ReportDesk<PublishedReport>()
  private var thread: HostThread?

  /// A worker that has not begun yet.
  init(_ plan: WorkerPlan) { self.plan = plan }

  deinit {
    unsafe pl_loop_destroy(loop)
    unsafe state?.deinitialize(count: 1)
    unsafe state?.deallocate()
    flows?.deallocate()
  }

  /// Starts the thread and waits until it has made the worker or found that it cannot.
  func start() throws(RelayFailure) {
    unsafe precondition(thread == nil && state == nil, "a worker begins once")
    let births = ReportDesk<Birth>()
    let question = births.ask()
    var status: Int32 = 0
    thread = HostThread(status: &status) { [self] in run(births, question) }
    guard thread != nil else { throw refused("its thread cannot be started: errno \(status)") }
    var birth: Birth?
    // A large table takes its time.
    while birth == nil { birth = births.wait(for: question, seconds: 60) }
    guard case .failed(let failure) = birth else { return }
    join()
    throw failure
  }

  /// What becomes of the wish to have a worker.
  private enum Birth: Sendable {
    case isMade
    case failed(RelayFailure)
  }

  /// The thread's whole life.
  private func run(_ births: ReportDesk<Birth>, _ question: UInt64) {
    do { try make() } catch {
      births.answer(question, .failed(error))
      return
    }
    births.answer(question, .isMade)
    unsafe pl_loop_run(loop)
  }

  /// Makes what the worker needs, on its CPU.
  private func make() throws(RelayFailure) {
    if plan.cpu >= 0 {
      let status = pl_pin_to_cpu(Int32(plan.cpu))
      guard status == 0 else { throw refused("it cannot run on CPU \(plan.cpu): errno \(status)") }
    }
    let flows = FlowMemory.allocate(routesMax: plan.configuration.routesMax)
    self.flows = flows
    let state = UnsafeMutablePointer<WorkerState>.allocate(capacity: 1)
    unsafe state.initialize(
      to: WorkerState(
        core: makeCore(flows), sockets: SocketTable(socketsMax: plan.listeners.count + 1),
        ways: WaysOut(plan), reports: reports))
    unsafe self.state = state
    unsafe LargePages.collapse(flows.routes)
    birthplace = (Int(pl_current_cpu()), unsafe Int(pl_node_of_memory(flows.routes.baseAddress)))
    unsafe try makeLoop(LoopHandlers.make(for: state))
  }

  private func makeCore(_ flows: FlowMemory) -> RelayWorker {
    var random = SecureRandom()
    return RelayWorker(
      plan.configuration, places: plan.places, keys: plan.keys,
      trunkKey: plan.signsTrunk ? TrunkKey(plan.keys.trunk) : nil, flows: flows,
      hash: RouteHash(random: &random))
  }

  private func makeLoop(_ handlers: pl_handlers) throws(RelayFailure) {
    var options = unsafe pl_loop_options()
    unsafe options.batch = UInt32(Self.batch)
    unsafe options.queue = UInt32(2 * Self.batch)
    unsafe options.numa_node = Int32(plan.node)
    unsafe options.sockets_max = UInt32(plan.listeners.count + 1)
    unsafe options.handlers = handlers
    unsafe options.gather_nanoseconds = UInt32(plan.bundleWaitMicroseconds) * 1_000
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else {
      throw refused(error.sentence)
    }
    unsafe self.loop = loop
    let configuration = plan.configuration
    for (listener, descriptor) in zip(configuration.listeners, plan.listeners) {
      try add(descriptor, .listener(listener), bytesMax: configuration.clientBytesMax)
    }
    try add(plan.trunk, .trunk, bytesMax: configuration.receiveBytesMax)
    guard unsafe pl_loop_keep_refused(loop, made.pointee.sockets.trunk, &error) == 0 else {
      throw refused(error.sentence)
    }
    if plan.sendsFrames { sendFrames() }
    guard plan.busyPollMicroseconds > 0 else { return }
    if unsafe pl_loop_busy_poll(loop, UInt32(plan.busyPollMicroseconds), &error) != 0 {
      refusals.append(error.sentence)
    }
  }

  /// Gives the loop a socket, and the worker word of it.
  private func add(
    _ descriptor: Int32, _ use: SocketUse, bytesMax: Int
  ) throws(RelayFailure) {
    var error = pl_error()
    let index = unsafe pl_loop_add_socket(loop, descriptor, UInt32(bytesMax), &error)
    guard index >= 0 else { throw refused(error.sentence) }
    unsafe made.pointee.sockets.add(use, at: Int(index))
  }

  /// Has the listeners' datagrams leave as frames. A listener that cannot goes on with UDP.
  private func sendFrames() {
    var error = pl_error()
    for listener in plan.configuration.listeners {
      let socket = unsafe made.pointee.sockets.index(for: listener.number)
      let status = unsafe pl_loop_send_frames(loop, socket, UInt32(plan.number), &error)
      if status != 0 {
        refusals.append("listener \(listener.number) sends by UDP alone: \(error.sentence)")
      }
    }
  }

  private func refused(_ reason: String) -> RelayFailure {
    RelayFailure("worker \(number): \(reason)")
  }

  /// Asks the thread to end after its present turn.
  func stop() {
    if thread != nil { unsafe pl_loop_stop(loop) }
  }

  /// Waits for the thread's end.
  func join() {
    thread?.join()
    thread = nil
  }

  /// What the thread has made; not before `start` has returned.
  private var made: UnsafeMutablePointer<WorkerState> {
    guard let state = unsafe state else { preconditionFailure("the worker is not started") }
    return unsafe state
  }

  /// Asks for a report, and gives the question's number; `waitForReport` gives the report.
  func wantReport() -> UInt64 {
    let question = reports.ask()
    unsafe made.pointee.wanted.store(question, ordering: .releasing)
    unsafe pl_loop_wake(loop)
    return question
  }

  /// The report asked for; nil when the thread is too busy to make it within `seconds`.
  func waitForReport(_ question: UInt64, seconds: Int) -> PublishedReport? {
    reports.wait(for: question, seconds: seconds)
  }

  /// The last report that was made; none asked for yet: all zero.
  var lastReport: PublishedReport { reports.last ?? PublishedReport() }

  /// Asks for a report that nobody waits for, and gives the last one that was made.
  func askAgain() -> PublishedReport {
    _ = wantReport()
    return lastReport
  }

  /// The last word of a thread that has ended.
  func finalReport() -> PublishedReport {
    precondition(thread == nil, "it still counts")
    return unsafe PublishedReport(made.pointee.core)
  }

  /// What the loop counts.
  func socketCounters() -> SocketCounters {
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    return SocketCounters(counters)
  }
}
