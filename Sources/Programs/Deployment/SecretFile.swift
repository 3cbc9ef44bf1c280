import Glibc
import Settings

/// Files that only their owner can read.
package enum SecretFile {
  /// Why a file could not be made: a sentence.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Makes a new file with mode 0600. One that exists already is left as it is: an error.
  package static func create(_ path: String, text: String) throws(Failure) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Failure(description: "cannot make \(path): \(systemErrorText(errno))")
    }
    write(text, to: descriptor)
    guard close(descriptor) == 0 else {
      throw Failure(description: "cannot write \(path): \(systemErrorText(errno))")
    }
  }
}
