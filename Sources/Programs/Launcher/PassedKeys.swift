import CProcess
import Deployment
import Glibc
import Settings
package import Token

/// The keys of one run, for the programs that this process starts: in a file without a name, that
/// they inherit. However and whenever the run ends, nothing of it stays.
package struct PassedKeys: ~Copyable {
  private let descriptor: Int32

  /// Why the keys could not be passed on.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Makes the file, which only this user can read and every program started later inherits. Throws
  /// what the kernel says when there is no descriptor or no memory for it.
  package init(_ keys: RoutingKeys) throws(Failure) {
    let text = Array(KeyFile.text(keys).utf8)
    descriptor = unsafe cp_nameless_file(text, text.count)
    guard descriptor >= 0 else {
      throw Failure(description: "cannot pass keys on: \(systemErrorText(errno))")
    }
  }

  /// Empties the file: whoever shall read it has done so.
  deinit { if descriptor >= 0 { cp_forget_file(descriptor) } }

  /// The path by which a program that was started from here reads the keys.
  package var path: String { "/proc/self/fd/\(descriptor)" }
}
