import Glibc
import Settings

/// Files that only their owner can read.
package enum SecretFile {
  /// Why a file could not be made: a sentence.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Makes a new file with mode 0600. One that exists already is left as it is: an error. Of one
  /// that cannot be written whole nothing stays.
  package static func create(_ path: String, text: String) throws(Failure) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Failure(description: "cannot make \(path): \(systemErrorText(errno))")
    }
    var failure = write(text, to: descriptor) ? 0 : errno
    if close(descriptor) != 0, failure == 0 { failure = errno }
    guard failure == 0 else {
      unsafe unlink(path)
      throw Failure(description: "cannot write \(path): \(systemErrorText(failure))")
    }
  }
}
