import CProcess
import Settings

/// A program that this process started and owns: it dies with its owner.
package struct ChildProcess {
  /// The program's name, for people.
  package let name: String
  /// Its process group's as well. No other process gets the number before `ending` is called.
  package let pid: Int32
  /// Becomes readable when the program is ready, and is at its end when the program is.
  package let readyDescriptor: Int32

  /// Why a program could not be started.
  package struct StartFailure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Starts the program at `path`, which is told by an option where to say that it is ready.
  static func start(
    _ name: String, path: String, arguments: [String]
  ) throws(StartFailure) -> ChildProcess {
    let option = ["--ready-fd", String(CP_READY_DESCRIPTOR)]
    return try startAsGiven(name, path: path, arguments: arguments + option)
  }

  /// Starts the program at `path` with these arguments and no others. It may say that it is ready
  /// on descriptor `CP_READY_DESCRIPTOR`.
  package static func startAsGiven(
    _ name: String, path: String, arguments: [String]
  ) throws(StartFailure) -> ChildProcess {
    let words = [path] + arguments
    var child = cp_child()
    let failure = unsafe withCStrings(words) { list in unsafe cp_spawn(path, list, &child) }
    guard failure == 0 else {
      throw StartFailure(description: "cannot start \(path): \(systemErrorText(failure))")
    }
    return ChildProcess(name: name, pid: child.pid, readyDescriptor: child.ready)
  }

  /// Waits for the end of the program, and says what it was: "ended with status 1".
  package func ending() -> String {
    var end = cp_end()
    let failure = unsafe cp_wait(pid, &end)
    guard failure == 0 else { return "ended (\(systemErrorText(failure)))" }
    if end.exited == 0 { return "was killed by signal \(end.code)\(Self.signalName(end.code))" }
    return "ended with status \(end.code)"
  }

  private static func signalName(_ number: Int32) -> String {
    let names: [Int32: String] = [
      2: "INT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 11: "SEGV",
      15: "TERM",
    ]
    return names[number].map { " (\($0))" } ?? ""
  }
}

/// Calls `body` with a C array of C strings, as `execv` wants it.
private func withCStrings<Result>(
  _ words: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var bytes: [CChar] = []
  var offsets: [Int] = []
  for word in words {
    offsets.append(bytes.count)
    bytes += Array(word.utf8CString)
  }
  return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    var pointers = unsafe offsets.map { unsafe Optional(buffer.baseAddress! + $0) }
    unsafe pointers.append(nil)
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
  }
}
