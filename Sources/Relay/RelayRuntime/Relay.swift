import Complaints
package import Log
package import Machine
import Paths
import RelayCore
import Runtime
import Wire

/// The relay as a process: sockets, threads, signals, reports around `RelayWorker`.
package enum Relay {
  /// Runs a relay until SIGINT or SIGTERM comes, or the terminal goes that it was started from.
  /// Call it on the main thread before any other is started: it blocks those signals. `onReady`
  /// gets one sentence when every socket is open and every worker runs.
  package static func run(
    _ options: RelayOptions, log: Log, onReady: (String) -> Void
  ) throws(RelayFailure) {
    try options.check(ownAddresses: Set(InterfaceAddresses.read().keys))
    try DescriptorLimit.claim(options)
    try check(options.statisticsFile, log)
    var duties = MainDuties(reportSeconds: options.statisticsSeconds)
    let relay = try RunningRelay(options, log: log)
    try relay.start()
    relay.logReady()
    onReady("martlet-relay is ready: \(relay.addressText)")
    while true {
      switch duties.next() {
      case .look: relay.look()
      case .report: relay.report()
      case .refuseHangUp: log.warning(MainDuties.hangUpText)
      case .stop:
        relay.stop()
        return
      }
    }
  }
}

extension Relay {
  /// A file that cannot be written now may be later; one whose name is something else's never.
  private static func check(_ file: String?, _ log: Log) throws(RelayFailure) {
    switch file.flatMap({ OutputFile.trouble(with: $0) }) {
    case nil: return
    case .misnamed(let sentence): throw RelayFailure("--stats: \(sentence)")
    case .refused(let sentence):
      log.warning("cannot write the counters", ["reason": .text(sentence)])
    }
  }

  /// The layout that a relay of these options would choose, for people or as JSON. Opens no socket
  /// and starts nothing; the kernel is asked whether it would take the steering program, and that
  /// is let go of at once. `files` may be another machine's.
  package static func explain(
    _ options: RelayOptions, _ files: MachineFiles, asJson: Bool
  ) throws(RelayFailure) -> String {
    let layout = try RelayLayout(options, files, addresses: InterfaceAddresses.read())
    let state = Steering.probe(options)
    return asJson ? layout.json(state) : layout.text(state)
  }
}

/// A relay that has its sockets and workers.
final class RunningRelay {
  private let options: RelayOptions
  private let log: Log
  private let groups: [ListenerGroup]
  private let trunks: TrunkSockets
  private let pathWatch: PathWatch
  private let layout: RelayLayout
  private var workers: [WorkerThread] = []
  private var complaints = Complaints(RelayComplaints.table)
  private var silence: TransceiverSilence
  /// Why eBPF is refused; nil when it is not.
  private var refusal: String?

  init(_ options: RelayOptions, log: Log) throws(RelayFailure) {
    self.options = options
    self.log = log
    silence = TransceiverSilence(options.transceivers)
    layout = try RelayLayout.here(options)
    groups = try ListenerGroup.open(options)
    trunks = try TrunkSockets(options.trunk, workers: options.workers)
    let paths = PathTable(
      from: options.trunk, bundleBytesMax: options.bundleBytes,
      pathsMax: options.transceivers.count)
    pathWatch = PathWatch(paths, log: log)
    let places = try Self.places(options)
    for number in 0..<options.workers {
      workers.append(
        WorkerThread(
          WorkerPlan(
            options, number: number, layout.placement,
            listeners: groups.map { $0.descriptors[number] }, trunk: trunks.descriptors[number],
            places, paths)))
    }
    for group in groups {
      try steer(group)
      group.settle()
    }
  }

  private static func places(_ options: RelayOptions) throws(RelayFailure) -> TransceiverPlaces {
    do { return try TransceiverPlaces(options.transceivers) } catch {
      throw RelayFailure(error.description)
    }
  }

  private func steer(_ group: ListenerGroup) throws(RelayFailure) {
    guard let reason = try group.steer(options, layout.placement) else { return }
    refusal = reason
    log.warning(
      "eBPF is refused; datagrams are spread by \(SteeringState.fallback(options.steering))",
      ["listener": .text(group.address.description), "reason": .text(reason)])
  }

  func start() throws(RelayFailure) {
    do {
      for worker in workers { try worker.start() }
    } catch {
      endWorkers()
      throw error
    }
    for worker in workers { warn(of: worker) }
    pathWatch.start()
  }

  private func warn(of worker: WorkerThread) {
    for refusal in worker.refusals {
      log.warning(refusal, ["worker": .number(worker.number)])
    }
    let node = layout.placement.node(of: worker.number)
    if node >= 0, worker.birthplace.node >= 0, worker.birthplace.node != node {
      log.warning(
        "a worker's routes are on another NUMA node than its CPU",
        [
          "worker": .number(worker.number), "node": .number(node),
          "routes": .number(worker.birthplace.node),
        ])
    }
  }

  /// The listeners' addresses, as bound.
  var addressText: String { groups.map(\.address.description).joined(separator: " ") }

  /// How datagrams really are spread.
  private var steeringText: String {
    guard let refusal else { return options.steering.rawValue }
    return SteeringState.refused(refusal).mechanism(options.steering)
  }

  /// The workers' CPUs.
  private var cpuText: String {
    guard layout.placement.isBound else { return "any" }
    return (0..<options.workers).map { "\(layout.placement.cpu(of: $0))" }.joined(separator: ",")
  }

  func logReady() {
    for group in groups where group.versions == .both {
      log.info("\(group.address) takes IPv4 too")
    }
    log.info(
      "martlet-relay is ready: \(addressText)",
      [
        "workers": .number(workers.count), "trunk": .text(trunks.text),
        "transceivers": .number(options.transceivers.count),
        "steering": .text(steeringText), "cpus": .text(cpuText),
        "transmit": .text(options.transmit.rawValue),
      ])
  }

  private func endWorkers() {
    for worker in workers { worker.stop() }
    for worker in workers { worker.join() }
  }

  /// Ends all workers and says what they have done.
  func stop() {
    endWorkers()
    pathWatch.stop()
    let report = makeReport(workers.map { $0.finalReport() })
    say(
      complaints.lastWords(
        of: report.named, details: report.evidence.details, now: MainDuties.now))
    publish(report, event: "stopped")
  }

  /// Says what an operator must hear of. Waits for no worker: the figures are those that were asked
  /// for at the last look.
  func look() {
    watch(makeReport(workers.map { $0.askAgain() }))
  }

  private func watch(_ report: RelayReport) {
    let now = MainDuties.now
    silence.note(report.traffic, at: now)
    let details = report.evidence.details.merging(silence.details) { first, _ in first }
    say(complaints.look(at: report.named + silence.figures, details: details, now: now))
  }

  private func say(_ lines: [ComplaintLine]) {
    for line in lines { log.warning(line.event, line.fields) }
  }

  /// Asks all workers what they have done so far, and says it. Of a worker that is too busy to
  /// answer within a second the last report stands, with a warning: no figure ever goes back.
  func report() {
    let questions = workers.map { $0.wantReport() }
    var reports: [PublishedReport] = []
    for (worker, question) in zip(workers, questions) {
      if let report = worker.waitForReport(question, seconds: 1) {
        reports.append(report)
      } else {
        log.warning(
          "a worker does not answer; its last figures stand", ["worker": .number(worker.number)])
        reports.append(worker.lastReport)
      }
    }
    let report = makeReport(reports)
    watch(report)
    publish(report, event: "report")
  }

  private func makeReport(_ published: [PublishedReport]) -> RelayReport {
    var report = RelayReport()
    report.workers = published.map(\.counters)
    report.routes = published.reduce(0) { $0 + $1.routes }
    report.logLinesLost = log.linesLost
    for one in published {
      report.evidence.add(one.evidence)
      report.add(one.traffic)
    }
    for worker in workers { report.sockets.add(worker.socketCounters()) }
    for group in groups {
      report.steering.add(group.steeringCounters)
      report.lostAtStart &+= group.lostAtStart
    }
    return report
  }

  private func publish(_ report: RelayReport, event: String) {
    log.info(
      event, ["routes": .number(report.routes), "counters": .text(report.text)])
    guard let file = options.statisticsFile else { return }
    if let failure = OutputFile.write(report.json + "\n", to: file) {
      log.warning("cannot write the counters", ["reason": .text(failure)])
    }
  }
}
