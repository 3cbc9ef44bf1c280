import Crypto
import Glibc
import Launcher
import Settings
import Token

/// What all runs of one benchmark share: a folder for its files, the keys, the programs.
final class Toolbox {
  let keys: RoutingKeys
  let keyFile: String
  private let folder: RunFolder
  private let sources: String
  private var programs: [Forwarder.Kind: String] = [:]

  /// `sources` is the folder with the baselines' source code.
  init(sources: String) throws(BenchFailure) {
    self.sources = sources
    var random = SecureRandom()
    keys = RoutingKeys.generate(random: &random)
    do {
      folder = try RunFolder()
      keyFile = try folder.writeKeys(keys)
    } catch {
      throw BenchFailure(error.description)
    }
  }

  /// The path of a file for this benchmark alone.
  func file(_ name: String) -> String { folder.path + "/" + name }

  /// The program of a forwarder; the baselines are built first.
  func program(_ kind: Forwarder.Kind) throws(BenchFailure) -> String {
    if let path = programs[kind] { return path }
    let path: String
    switch kind {
    case .martlet: path = Siblings.path(of: "martlet-relay")
    case .c: path = try buildForwarder()
    case .go, .coturn: throw BenchFailure("\(kind.rawValue) is not there yet")
    }
    programs[kind] = path
    return path
  }

  private func buildForwarder() throws(BenchFailure) -> String {
    let program = file("forward")
    try run("cc", ["-O2", "-std=gnu2x", "-o", program, sources + "/forward.c"])
    return program
  }

  /// Runs a program of the PATH to its end.
  private func run(_ name: String, _ arguments: [String]) throws(BenchFailure) {
    guard let path = Self.find(name) else { throw BenchFailure("\(name) is not on the PATH") }
    let child: ChildProcess
    do {
      child = try ChildProcess.startAsGiven(name, path: path, arguments: arguments)
    } catch {
      throw BenchFailure(error.description)
    }
    let ending = child.ending()
    close(child.readyDescriptor)
    guard ending == "ended with status 0" else { throw BenchFailure("\(name) \(ending)") }
  }

  /// Where a program of the PATH is.
  static func find(_ name: String) -> String? {
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    return folders.split(separator: ":").map { "\($0)/\(name)" }.first {
      unsafe access($0, X_OK) == 0
    }
  }
}
