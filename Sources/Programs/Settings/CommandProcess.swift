import Glibc

extension Command {
  /// Exit status for a command line that cannot be used, as getopt-style programs have it.
  package static let usageStatus: Int32 = 2

  /// The settings of this process, or the end of it: prints the help or the version and exits 0,
  /// or says what is wrong with the command line and exits 2.
  package func settings(from arguments: [String]) -> ParsedSettings {
    do {
      switch try parse(arguments) {
      case .run(let settings): return settings
      case .answer(let text):
        standardOutput(text)
        exit(0)
      }
    } catch {
      exit(Self.refuse(name, "\(error)"))
    }
  }

  /// Says what is wrong with a command line; gives the exit status for it.
  package static func refuse(_ name: String, _ sentence: String) -> Int32 {
    standardError("\(name): \(sentence)\nTry \"\(name) --help\".\n")
    return usageStatus
  }
}

/// Writes the whole text to standard output.
package func standardOutput(_ text: String) { write(text, to: 1) }

/// Writes the whole text to standard error.
package func standardError(_ text: String) { write(text, to: 2) }

/// Writes the whole text to a file descriptor; gives up when the other end is gone or has no room,
/// with the reason in `errno`. Whether everything was written.
@discardableResult
package func write(_ text: String, to descriptor: Int32) -> Bool {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { bytes in
      unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return false }
    rest = rest.dropFirst(count)
  }
  return true
}
