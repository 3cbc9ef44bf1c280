import CTraffic
import Json
import Launcher
import Settings

/// A server that echoes calls, with its process on a CPU of its own.
final class EchoServer {
  enum Kind: String, CaseIterable, Sendable {
    case martlet, pion
    /// Martlet, whose clients lose a tenth of what it sends: all calls from one moment on.
    case lossy = "martlet, 10 % lost"
  }

  /// The process that is measured.
  private let server: StartedProgram
  /// What must run beside it.
  private let relay: StartedProgram?
  private let url: String
  private let log: String
  private let kind: Kind
  private let toolbox: Toolbox
  private let others: [Int32]

  /// Starts it. `pion` is the program of that kind.
  init(_ kind: Kind, _ toolbox: Toolbox, pion: String?) throws(BenchFailure) {
    let cpus = Processors.all()
    let own = cpus[cpus.count - 1]
    others = cpus.count > 1 ? Array(cpus.dropLast()) : cpus
    self.toolbox = toolbox
    self.kind = kind
    log = toolbox.file("server.log")
    let seed = UInt16(truncatingIfNeeded: monotonicNanoseconds() >> 10)
    guard let port = PortCheck.freeTrunkPort(count: 4, seed: seed) else {
      throw BenchFailure("there are no four free ports in a row on 127.0.0.1")
    }
    func address(_ number: UInt16) -> String { "127.0.0.1:\(port + number)" }
    url = "http://\(address(0))"
    if kind == .pion, let pion {
      relay = nil
      server = try StartedProgram(
        "pionecho", path: pion, arguments: [address(0)], cpus: [own], log: log)
      return
    }
    server = try StartedProgram(
      "martlet-transceiver", path: Siblings.path(of: "martlet-transceiver"),
      arguments: [
        "--keys", toolbox.keyFile, "--http", address(0), "--trunk", address(1),
        "--candidate", address(2), "--ready-fd", "3",
      ], cpus: [own], log: log)
    relay = try StartedProgram(
      "martlet-relay", path: Siblings.path(of: "martlet-relay"),
      arguments: [
        "--keys", toolbox.keyFile, "--listen", address(2), "--trunk", address(3),
        "--transceiver", "1.0=\(address(1))", "--ready-fd", "3",
      ], cpus: others, log: toolbox.file("relay.log"))
  }

  /// Makes so many calls and measures for `seconds` while all of them speak.
  func measure(calls: Int, seconds: Double) throws(BenchFailure) -> EchoSample {
    _ = try load(calls: 2, speaking: 1).ending()  // what is made once, with the first call
    var sample = EchoSample()
    sample.calls = calls
    let none = server.residentBytes
    var ramp = Double(calls) / Double(Self.callsPerSecond) + 1.5
    if kind == .lossy { ramp += Self.lossSeconds }
    let file = toolbox.file("load.json")
    let load = try load(calls: calls, speaking: Int((ramp + seconds).rounded(.up)) + 1)
    pause(seconds: ramp)
    let (before, start) = (try server.usage(), monotonicNanoseconds())
    pause(seconds: seconds)
    let (after, end) = (try server.usage(), monotonicNanoseconds())
    sample.seconds = Double(end - start) / 1e9
    sample.cpuNanoseconds = Double(after.run - before.run)
    sample.waitedForCpu = Double(after.wait - before.wait) / 1e9 / sample.seconds
    sample.bytesPerCall = Double(server.residentBytes - none) / Double(calls)
    let ending = load.ending()
    let words = (try? FileContents.read(file)) ?? []
    guard let report = try? JsonValue.parse(words), report["good"] == .integer(calls) else {
      throw BenchFailure(
        "martlet load \(ending): \(String(decoding: words, as: UTF8.self).prefix(400))")
    }
    return sample
  }

  /// Calls then begin at all phases of the 20 ms clock.
  private static let callsPerSecond = 93
  /// Until `martlet load`, which waits three seconds, has lost for long enough that the server's
  /// voice has changed.
  private static let lossSeconds = 6.0

  private func load(calls: Int, speaking seconds: Int) throws(BenchFailure) -> StartedProgram {
    try StartedProgram(
      "martlet load", path: Siblings.path(of: "martlet"),
      arguments: [
        "load", "--url", url, "--calls", "\(calls)", "--seconds", "\(seconds)",
        "--rate", "\(Self.callsPerSecond)", "--json", "--loss", kind == .lossy ? "10" : "0",
      ], cpus: others, log: toolbox.file("load.json"), saysReady: false)
  }

  /// Ends it; what the transceiver's shard said at its end, nil for another server.
  func stop() -> ShardLine? {
    server.stop()
    relay?.stop()
    let words = (try? FileContents.read(log)) ?? []
    return ShardLine(log: String(decoding: words, as: UTF8.self))
  }
}
