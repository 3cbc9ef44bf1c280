import Crypto
package import Log
import RelayCore
import Runtime
import Token
import Trunk
import Wire

/// The relay as a process: sockets, threads, signals, reports around `RelayWorker`.
package enum Relay {
  /// Runs a relay until SIGINT, SIGTERM or SIGHUP. Call it on the main thread before any other is
  /// started: it blocks those signals. `onReady` gets one sentence when every socket is open and
  /// every worker runs.
  package static func run(
    _ options: RelayOptions, log: Log, onReady: (String) -> Void
  ) throws(RelayFailure) {
    try options.check()
    var signals = StopSignals()
    let relay = try RunningRelay(options, log: log)
    try relay.start()
    relay.logReady()
    onReady("martlet-relay is ready: \(relay.addressText)")
    while true {
      switch signals.next(seconds: options.statisticsSeconds) {
      case .report, .timeout: relay.report()
      case .stop:
        relay.stop()
        return
      }
    }
  }
}

/// A relay that has its sockets and workers.
final class RunningRelay {
  private let options: RelayOptions
  private let log: Log
  private let groups: [ListenerGroup]
  private let trunks: TrunkSockets
  private let placement: Placement
  private var workers: [WorkerThread] = []

  init(_ options: RelayOptions, log: Log) throws(RelayFailure) {
    self.options = options
    self.log = log
    // Steering by CPU means nothing unless each worker stays on one.
    placement = try Placement(
      workers: options.workers, binds: options.pinsCPUs || options.steering == .cpu)
    var groups: [ListenerGroup] = []
    for listener in options.listeners {
      groups.append(try ListenerGroup(listener, workers: options.workers))
    }
    self.groups = groups
    trunks = try TrunkSockets(options.trunk, workers: options.workers)
    for number in 0..<options.workers { workers.append(try makeWorker(number)) }
    for group in groups { try steer(group) }
  }

  private func steer(_ group: ListenerGroup) throws(RelayFailure) {
    guard let reason = try group.steer(options.steering, placement) else { return }
    log.warning(
      "the kernel's own hash spreads the datagrams: a worker that ends will move other flows",
      ["listener": .text(group.address.description), "reason": .text(reason)])
  }

  private func makeWorker(_ number: Int) throws(RelayFailure) -> WorkerThread {
    var configuration = WorkerConfiguration(
      cluster: options.cluster, relayID: options.relayID,
      listenersAreIPv4: options.listeners.map(\.isIPv4), trunkIsIPv4: options.trunk.isIPv4)
    configuration.bundleBytes = options.bundleBytes
    configuration.routesMax = options.routesMax
    configuration.idleMilliseconds = options.idleMilliseconds
    // A whole bundle has to fit the receive buffer, with a byte to spare for telling "too long".
    configuration.receiveBytesMax = max(2048, options.bundleBytes + 64)
    var random = SecureRandom()
    let core: RelayWorker
    do {
      core = try RelayWorker(
        configuration, transceivers: options.transceivers, keys: options.keys,
        trunkKey: options.signsTrunk ? TrunkKey(options.keys.trunk) : nil, random: &random)
    } catch {
      throw RelayFailure(error.description)
    }
    return try WorkerThread(
      number: number, listeners: groups.map { $0.descriptors[number] },
      trunk: trunks.descriptors[number], core: core,
      receiveBytesMax: configuration.receiveBytesMax, node: placement.node(of: number))
  }

  func start() throws(RelayFailure) {
    do {
      for worker in workers { try worker.start(cpu: placement.cpu(of: worker.number)) }
    } catch {
      endWorkers()
      throw error
    }
  }

  /// The listeners' addresses, as bound.
  var addressText: String { groups.map(\.address.description).joined(separator: " ") }

  /// How datagrams really are spread.
  private var steeringText: String {
    groups.allSatisfy(\.isSteered) ? options.steering.rawValue : SteeringMode.kernel.rawValue
  }

  func logReady() {
    log.info(
      "martlet-relay is ready: \(addressText)",
      [
        "workers": .number(workers.count), "trunk": .text(trunks.text),
        "transceivers": .number(options.transceivers.count),
        "steering": .text(steeringText),
      ])
  }

  private func endWorkers() {
    for worker in workers { worker.stop() }
    for worker in workers { worker.join() }
  }

  /// Ends all workers and says what they have done.
  func stop() {
    endWorkers()
    publish(workers.map { $0.finalReport() }, event: "stopped")
  }

  /// Asks all workers what they have done so far, and says it. A worker that is too busy to answer
  /// within a second is left out of this report, with a warning.
  func report() {
    for worker in workers { worker.wantReport() }
    var reports: [PublishedReport] = []
    for worker in workers {
      if let report = worker.waitForReport(seconds: 1) {
        reports.append(report)
      } else {
        log.warning("a worker does not answer", ["worker": .number(worker.number)])
      }
    }
    publish(reports, event: "report")
  }

  private func publish(_ reports: [PublishedReport], event: String) {
    var report = RelayReport()
    report.workers = reports.map(\.counters)
    report.routes = reports.reduce(0) { $0 + $1.routes }
    for worker in workers { report.sockets.add(worker.socketCounters()) }
    for group in groups { report.sockets.droppedInKernel += group.droppedInKernel }
    log.info(
      event, ["routes": .number(report.routes), "counters": .text(report.text)])
    guard let file = options.statisticsFile else { return }
    if let failure = StatisticsFile.write(report.json + "\n", to: file) {
      log.warning("cannot write the counters", ["file": .text(file), "reason": .text(failure)])
    }
  }
}

extension SocketCounters {
  mutating func add(_ other: SocketCounters) {
    received &+= other.received
    sent &+= other.sent
    sendFailures &+= other.sendFailures
    droppedInKernel &+= other.droppedInKernel
  }
}
