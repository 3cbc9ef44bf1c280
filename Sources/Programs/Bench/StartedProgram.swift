import CTraffic
import Glibc
import Launcher
import Settings

/// A program that runs beside the benchmark: a process of its own, on CPUs of its own.
final class StartedProgram {
  private let name: String
  private let child: ChildProcess
  private var hasEnded = false

  private static let readyMilliseconds: Int32 = 20_000

  /// Starts the program at `path` on `cpus` and, if it says when it is ready, waits for that. What
  /// it says otherwise goes to the file `log`.
  init(
    _ name: String, path: String, arguments: [String], cpus: [Int32], log: String,
    saysReady: Bool = true
  ) throws(BenchFailure) {
    self.name = name
    // Both standard streams belong to the report.
    let own = [1, 2].map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
    let file = unsafe open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    if file >= 0 {
      dup2(file, 1)
      dup2(file, 2)
      close(file)
    }
    let ownCPUs = Processors.all()
    Processors.bind(cpus)
    defer {
      Processors.bind(ownCPUs)
      for (number, descriptor) in own.enumerated() where descriptor >= 0 {
        dup2(descriptor, Int32(number + 1))
        close(descriptor)
      }
    }
    do {
      child = try ChildProcess.startAsGiven(name, path: path, arguments: arguments)
    } catch {
      throw BenchFailure(error.description)
    }
    if saysReady { try waitUntilReady(log) }
  }

  deinit { stop() }

  private func waitUntilReady(_ log: String) throws(BenchFailure) {
    var descriptor = pollfd(fd: child.readyDescriptor, events: Int16(POLLIN), revents: 0)
    let count = unsafe poll(&descriptor, 1, Self.readyMilliseconds)
    var line = [UInt8](repeating: 0, count: 256)
    guard count > 0, unsafe read(child.readyDescriptor, &line, line.count) > 0 else {
      kill(child.pid, SIGKILL)
      let ending = child.ending()
      close(child.readyDescriptor)
      hasEnded = true
      let words = (try? FileContents.read(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
      throw BenchFailure("\(name) \(ending) before it was ready\n\(words)")
    }
  }

  /// CPU time and the like, all threads together.
  func usage() throws(BenchFailure) -> ct_usage {
    var usage = ct_usage()
    guard unsafe ct_usage_read(child.pid, &usage) == 0 else {
      throw BenchFailure("\(name) has ended in the middle of a run")
    }
    return usage
  }

  /// Lets others that want its CPU go first, so that it is always behind.
  func stepBack() { _ = ct_set_level(child.pid, 5) }

  /// Lets it go before others that want its CPU, as if it had that for itself.
  func stepForward() { _ = ct_set_level(child.pid, -15) }

  /// Bytes of memory that it has.
  var residentBytes: Int { Int(ct_resident_bytes(child.pid)) }

  /// Waits until it ends by itself; says how.
  func ending() -> String {
    precondition(!hasEnded, "nobody ended it before")
    hasEnded = true
    defer { _ = close(child.readyDescriptor) }
    return child.ending()
  }

  /// Ends it and waits for its end.
  func stop() {
    guard !hasEnded else { return }
    hasEnded = true
    kill(child.pid, SIGTERM)
    var descriptor = pollfd(fd: child.readyDescriptor, events: Int16(POLLIN), revents: 0)
    if unsafe poll(&descriptor, 1, 5_000) <= 0 { kill(child.pid, SIGKILL) }
    _ = child.ending()
    close(child.readyDescriptor)
  }
}
