import CProcess
import Crypto
import Deployment
import Glibc
import Log
import Machine
import Runtime
package import Settings
import Token
import Wire

/// `martlet up`: runs a relay and a transceiver, waits until both are ready, and keeps them until
/// somebody asks to stop or one of them ends.
package struct Up: ~Copyable {
  private let settings: ParsedSettings
  private let log: Log
  /// Standard output: who reads that slowly holds nobody up either.
  private let console = LineWriter(descriptor: 1) { count, _ in "(\(count) lines lost)\n" }
  private var supervisor: Supervisor

  /// How long the programs may take until they are ready, and to stop.
  private static let readyMilliseconds = 30_000
  private static let graceMilliseconds = 5_000

  /// Why nothing was started, or not everything.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// To be made before the process has other threads: it blocks the signals that stop it.
  package init(_ settings: ParsedSettings) {
    self.settings = settings
    let log = Log(
      program: "martlet", format: LogFormat(rawValue: settings[UpSettings.log]) ?? .text)
    self.log = log
    supervisor = Supervisor(
      stopDescriptor: cp_stop_signals(), refuseHangUp: { log.warning(MainDuties.hangUpText) })
  }

  /// Runs until the end; returns the exit status.
  package mutating func run() -> Int32 {
    do {
      let outcome = try startAndWait()
      return finish(outcome)
    } catch {
      _ = supervisor.stopAll(graceMilliseconds: Self.graceMilliseconds)
      log.error("\(error)")
      return 1
    }
  }

  private mutating func startAndWait() throws(Failure) -> Supervisor.Outcome {
    try checkPorts()
    var random = SecureRandom()
    let shards = settings[UpSettings.shards]
    guard
      let trunkPort = PortCheck.freeTrunkPort(
        count: shards, seed: .random(in: .min ... .max, using: &random))
    else { throw Failure("no \(shards) free UDP ports in a row for the trunk") }
    let keys = try passedKeys(random: &random)
    let keyFile = settings[UpSettings.keys] ?? keys.path
    let plan = UpPlan(
      settings, keyFile: keyFile, trunkPort: trunkPort,
      machine: Array(InterfaceAddresses.read().keys))
    try start("martlet-transceiver", plan.transceiver)
    try start("martlet-relay", plan.relay)
    if let outcome = supervisor.waitUntilReady(timeoutMilliseconds: Self.readyMilliseconds) {
      return outcome
    }
    _ = consume keys  // nobody reads them again
    let media = plan.candidates.map(\.description).joined(separator: ", ")
    log.info("media-offered", ["candidates": .text(media), "reach": .text(plan.reach)])
    console.write("voice goes to \(media) (\(plan.reach))\n")
    console.write("martlet is ready: \(plan.url)\n")
    return supervisor.waitUntilEnd()
  }

  /// Stops what still runs, and says how the run ended.
  private mutating func finish(_ outcome: Supervisor.Outcome) -> Int32 {
    let status: Int32
    switch outcome {
    case .stopRequested:
      log.info("stopping")
      status = 0
    case .programEnded(let sentence), .notReady(let sentence):
      log.error("\(sentence); stopping the rest")
      status = 1
    }
    let killed = supervisor.stopAll(graceMilliseconds: Self.graceMilliseconds)
    for name in killed { log.warning("\(name) did not stop in time and was killed") }
    log.info("stopped")
    return killed.isEmpty ? status : 1
  }

  private func checkPorts() throws(Failure) {
    if let obstacle = PortCheck.obstacle(settings[UpSettings.http], .tcp) {
      throw Failure(obstacle)
    }
    for media in settings[UpSettings.media] {
      if let obstacle = PortCheck.obstacle(media, .udp) { throw Failure(obstacle) }
    }
  }

  private func passedKeys(random: inout SecureRandom) throws(Failure) -> PassedKeys {
    do {
      return try PassedKeys(RoutingKeys.generate(random: &random))
    } catch {
      throw Failure(error.description)
    }
  }

  private mutating func start(_ name: String, _ arguments: [String]) throws(Failure) {
    do {
      supervisor.own(
        try ChildProcess.start(name, path: Siblings.path(of: name), arguments: arguments))
    } catch {
      throw Failure(error.description)
    }
  }
}
