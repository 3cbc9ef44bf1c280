import Crypto
import Glibc
import Launcher
import Runtime
import Settings
import Token

/// What all runs of one benchmark share: a folder for its files, the keys, the programs.
final class Toolbox {
  let keys: RoutingKeys
  let keyFile: String
  private let folder: RunFolder
  private let sources: String
  private var programs: [Forwarder.Kind: String] = [:]

  /// `sources` is the folder with the baselines' source code; nil to look for it.
  init(sources: String?) throws(BenchFailure) {
    self.sources = sources ?? Self.findSources()
    var random = SecureRandom()
    keys = RoutingKeys.generate(random: &random)
    do {
      folder = try RunFolder()
      keyFile = try folder.writeKeys(keys)
    } catch {
      throw BenchFailure(error.description)
    }
  }

  /// The folder with the source code of what benchmarks run beside our own programs; `given` by the
  /// user, or looked for.
  static func sources(_ given: String?) throws(BenchFailure) -> String {
    let sources = given ?? findSources()
    guard unsafe access(sources + "/forward.c", R_OK) == 0 else {
      throw BenchFailure("\(sources) is not the project's tools/bench; say where with --sources")
    }
    return sources
  }

  /// `tools/bench` beside a folder above the program's own, or else here.
  private static func findSources() -> String {
    var place = Siblings.path(of: "martlet")[...]
    while let slash = place.lastIndex(of: "/") {
      place = place[..<slash]
      if unsafe access(place + "/tools/bench/forward.c", R_OK) == 0 {
        return place + "/tools/bench"
      }
    }
    return "tools/bench"
  }

  /// The path of a file for this benchmark alone.
  func file(_ name: String) -> String { folder.path + "/" + name }

  /// The program of a forwarder; the baselines are built when they are first asked for. Throws when
  /// it cannot be had on this machine.
  func program(_ kind: Forwarder.Kind) throws(BenchFailure) -> String {
    if let path = programs[kind] { return path }
    let path =
      switch kind {
      case .martlet, .frames: Siblings.path(of: "martlet-relay")
      case .c: try buildC()
      case .go: try buildGo()
      case .coturn: try findTurn()
      }
    programs[kind] = path
    return path
  }

  private func findTurn() throws(BenchFailure) -> String {
    guard let program = Self.find("turnserver") else {
      throw BenchFailure("there is no turnserver on the PATH; tools/bench/setup gets one")
    }
    return program
  }

  private func buildC() throws(BenchFailure) -> String {
    guard let compiler = Self.find("cc") ?? Self.find("clang") else {
      throw BenchFailure("there is no C compiler on the PATH; tools/bench/setup gets one")
    }
    let program = file("forward")
    try run(compiler, ["-O2", "-std=gnu2x", "-o", program, sources + "/forward.c"])
    return program
  }

  /// Builds the echo server on Pion with Go and what Debian packages of Pion.
  func buildPion() throws(BenchFailure) -> String {
    let packages = "/usr/share/gocode"
    guard let compiler = Self.find("go"), let env = Self.find("env") else {
      throw BenchFailure("there is no go on the PATH; tools/bench/setup gets one")
    }
    guard unsafe access(packages + "/src/github.com/pion/webrtc", R_OK) == 0 else {
      throw BenchFailure("there is no golang-github-pion-webrtc.v3-dev; tools/bench/setup gets it")
    }
    let program = file("pionecho")
    try run(
      env,
      [
        "GO111MODULE=off", "GOPATH=\(packages)", "GOFLAGS=", "CGO_ENABLED=1", compiler, "build",
        "-o", program, sources + "/pionecho/main.go",
      ])
    return program
  }

  private func buildGo() throws(BenchFailure) -> String {
    // What tools/bench/setup gets is newer than what Debian has, and Go gets faster.
    let own = sources + "/../../.build/bench-venv/bin/go"
    guard let compiler = unsafe access(own, X_OK) == 0 ? own : Self.find("go") else {
      throw BenchFailure("there is no go on the PATH; tools/bench/setup gets one")
    }
    let program = file("gorelay")
    try run(compiler, ["build", "-o", program, sources + "/gorelay/main.go"])
    return program
  }

  /// Has gnuplot draw `plot` into the file `out`.
  func draw(_ plot: Plot, machine: String, out: String) throws(BenchFailure) {
    guard let gnuplot = Self.find("gnuplot") else {
      throw BenchFailure("there is no gnuplot on the PATH; tools/bench/setup gets one")
    }
    let ratios = try write(plot.ratios, to: "ratios.dat")
    let latency = try write(plot.latency, to: "latency.dat")
    let drawing = file("plot.svg")
    var words = ["-e", "columns = \(plot.columns)", "-e", "blocks = \(plot.blocks)"]
    for (name, value) in [
      ("out", drawing), ("ratios", ratios), ("latency", latency), ("machine", machine),
    ] {
      let text = value.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
      words += ["-e", "\(name) = \"\(text)\""]
    }
    try run(gnuplot, words + [sources + "/plot.gp"])
    let bytes: [UInt8]
    do { bytes = try FileContents.read(drawing) } catch { throw BenchFailure(error.description) }
    if let failure = OutputFile.write(bytes, to: out) { throw BenchFailure(failure) }
  }

  /// Writes a file for this benchmark alone; gives its path.
  private func write(_ text: String, to name: String) throws(BenchFailure) -> String {
    let path = file(name)
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw BenchFailure("cannot write \(path): \(systemErrorText(errno))")
    }
    Settings.write(text, to: descriptor)
    close(descriptor)
    return path
  }

  /// Runs a program to its end.
  func run(_ path: String, _ arguments: [String]) throws(BenchFailure) {
    let ending = try Self.ending(of: path, arguments)
    guard ending == "ended with status 0" else { throw BenchFailure("\(path) \(ending)") }
  }

  /// Runs a program to its end; gives how it ended, in words.
  static func ending(of path: String, _ arguments: [String]) throws(BenchFailure) -> String {
    let child: ChildProcess
    do {
      child = try ChildProcess.startAsGiven(path, path: path, arguments: arguments)
    } catch {
      throw BenchFailure(error.description)
    }
    defer { close(child.readyDescriptor) }
    return child.ending()
  }

  /// Where a program of the PATH is.
  static func find(_ name: String) -> String? {
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    return folders.split(separator: ":").map { "\($0)/\(name)" }.first {
      unsafe access($0, X_OK) == 0
    }
  }
}
