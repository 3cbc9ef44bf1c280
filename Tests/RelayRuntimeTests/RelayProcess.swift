import Crypto
import Deployment
import Glibc
import Testing
import Token
import Wire

/// A real martlet-relay, started for one test and gone at its end.
final class RelayProcess {
  let keys: RoutingKeys
  private(set) var listeners: [TransportAddress] = []
  private let folder: String
  private var pid: pid_t = 0

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Starts a relay for `transceivers` and waits until it says that it is ready. The words of
  /// `through`, if any, are a program that starts it.
  init(
    listen: [String], transceivers: [(TransceiverID, TransportAddress)], workers: Int = 1,
    more: [String] = [], through: [String] = []
  ) throws {
    var random = SecureRandom()
    keys = RoutingKeys.generate(random: &random)
    var template = Array("/tmp/martlet-relay-test-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw Failure(description: "mkdtemp") }
    folder = String(decoding: template.dropLast().map { UInt8($0) }, as: UTF8.self)
    try SecretFile.create(folder + "/keys", text: KeyFile.text(keys))
    let arguments =
      through + [
        Self.programPath, "--keys", folder + "/keys", "--workers", String(workers), "--cluster",
        "7", "--relay-id", "3", "--ready-fd", "3", "--stats", folder + "/stats",
        "--exit-with-parent",
      ] + listen.flatMap { ["--listen", $0] }
      + transceivers.flatMap { ["--transceiver", "\($0.0)=\($0.1)"] } + more
    listeners = try start(arguments)
  }

  deinit {
    if pid > 0 {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    for name in ["/keys", "/stats", "/log", ""] { unsafe remove(folder + name) }
  }

  /// Beside the test program.
  private static var programPath: String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &path, path.count)
    let text = String(decoding: path.prefix(max(count, 0)).map { UInt8($0) }, as: UTF8.self)
    return text.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/martlet-relay"
  }

  private func start(_ arguments: [String]) throws -> [TransportAddress] {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw Failure(description: "pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { _ = close(ends[0]) }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, folder + "/log", O_WRONLY | O_CREAT, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
    let failure = unsafe posix_spawn(&pid, words[0]!, &actions, nil, &words, environ)
    for index in arguments.indices { unsafe free(words[index]) }
    unsafe posix_spawn_file_actions_destroy(&actions)
    _ = close(ends[1])
    guard failure == 0 else {
      pid = 0
      throw Failure(description: "cannot start \(arguments[0]): errno \(failure)")
    }
    return try addresses(inReadyLine: readLine(from: ends[0]))
  }

  private func readLine(from descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }

  private func addresses(inReadyLine line: String) throws -> [TransportAddress] {
    let prefix = "martlet-relay is ready: "
    guard line.hasPrefix(prefix) else {
      throw Failure(description: "it said \"\(line)\" and: \(log)")
    }
    return line.dropFirst(prefix.count).split(whereSeparator: \.isWhitespace)
      .compactMap { TransportAddress(String($0)) }
  }

  /// What the program writes to its standard output until it ends, which it must do well.
  static func output(of arguments: [String], through: [String]) throws -> String {
    let words = (through + [programPath] + arguments).map { "'\($0)'" }.joined(separator: " ")
    guard let pipe = unsafe popen("exec \(words)", "r") else { throw Failure(description: "popen") }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe fread(&bytes, 1, bytes.count, pipe)
    let status = unsafe pclose(pipe)
    guard status == 0 else { throw Failure(description: "it ended with status \(status)") }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  var processID: pid_t { pid }

  /// Everything it has logged.
  var log: String { Self.text(of: folder + "/log") }

  /// Sends a signal and waits for the end; the exit status, or nil when a signal killed it.
  func end(by signal: Int32 = SIGTERM) -> Int32? {
    kill(pid, signal)
    var status: Int32 = 0
    unsafe waitpid(pid, &status, 0)
    pid = 0
    return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
  }

  /// Holds it up: returns when none of its threads runs.
  func pause() {
    kill(pid, SIGSTOP)
    var status: Int32 = 0
    unsafe waitpid(pid, &status, WUNTRACED)
  }

  /// Ends a `pause`.
  func resume() { kill(pid, SIGCONT) }

  /// The counters that it wrote at its last report.
  func statistics() -> [String: Int] {
    var result: [String: Int] = [:]
    for member in Self.text(of: folder + "/stats").split(separator: ",") {
      let sides = member.split(separator: ":")
      guard sides.count == 2 else { continue }
      let name = sides[0].filter { !"{\"".contains($0) }
      result[name] = Int(sides[1].filter(\.isNumber))
    }
    return result
  }

  private static func text(of path: String) -> String {
    guard let file = unsafe fopen(path, "r") else { return "" }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
