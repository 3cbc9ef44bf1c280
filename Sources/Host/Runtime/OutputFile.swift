import Glibc

/// A file that an option names and a program writes whole: counters, a plot.
///
/// Only regular files are written or replaced. A name that is a device, a FIFO, a folder or a link
/// is a mistake, or somebody else's trap: renaming a file onto `/dev/null` would take that from the
/// whole machine.
package enum OutputFile {
  /// How many names for the new file are tried: those that a killed process left are passed over.
  private static let attemptsMax = 64

  /// Why a file could not be written: sentences.
  package enum Trouble: Error, Sendable, Equatable {
    /// Something else has its name: it will never be written.
    case misnamed(String)
    /// It cannot be made now: no such folder, no right to, no room.
    case refused(String)

    /// For the operator, with the file's path in it.
    package var sentence: String {
      switch self {
      case .misnamed(let sentence), .refused(let sentence): sentence
      }
    }
  }

  /// Why `path` cannot be written; nil when it can. To be asked at the start: it makes the new file
  /// beside it and takes that away again.
  package static func trouble(with path: String) -> Trouble? {
    if let obstacle = obstacle(path) { return .misnamed(obstacle) }
    switch create(beside: path) {
    case .failure(let trouble): return trouble
    case .success(let new):
      close(new.descriptor)
      unsafe unlink(new.path)
      return nil
    }
  }

  /// Writes `text` into a new file beside `path` and moves that there, so that a reader sees the
  /// old text or the new one and never half of it. Returns why it could not be done, or nil; then
  /// nothing of it stays.
  package static func write(_ text: String, to path: String) -> String? {
    write(Array(text.utf8), to: path)
  }

  /// The same for bytes.
  package static func write(_ bytes: [UInt8], to path: String) -> String? {
    if let obstacle = obstacle(path) { return obstacle }
    switch create(beside: path) {
    case .failure(let trouble): return trouble.sentence
    case .success(let new):
      let failure = fill(new.descriptor, bytes) ?? move(new.path, to: path)
      if failure != nil { unsafe unlink(new.path) }
      return failure.map { "cannot write \(path): \($0)" }
    }
  }

  /// What is there instead of a regular file.
  private static func obstacle(_ path: String) -> String? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else {
      // That there is nothing yet is in order; everything else shows when the file is made.
      return nil
    }
    let kind: String
    switch status.st_mode & S_IFMT {
    case S_IFREG: return nil
    case S_IFLNK: kind = "a symbolic link"
    case S_IFDIR: kind = "a directory"
    case S_IFIFO: kind = "a FIFO"
    case S_IFSOCK: kind = "a socket"
    case S_IFCHR, S_IFBLK: kind = "a device"
    default: kind = "no file"
    }
    return "\(path) is \(kind); only a regular file is written or replaced"
  }

  private struct NewFile {
    let descriptor: Int32
    let path: String
  }

  private static func create(beside path: String) -> Result<NewFile, Trouble> {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<attemptsMax {
      let suffix = String(UInt32(truncatingIfNeeded: random.next()), radix: 36)
      let new = "\(path).\(suffix).new"
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let descriptor = unsafe open(new, flags, 0o644)
      if descriptor >= 0 { return .success(NewFile(descriptor: descriptor, path: new)) }
      guard errno == EEXIST || errno == ELOOP else {
        return .failure(.refused("cannot make a file beside \(path): \(errorText())"))
      }
    }
    return .failure(
      .refused("cannot make a file beside \(path): too many \(path).*.new are there"))
  }

  /// Writes everything and closes; why it could not, or nil.
  private static func fill(_ descriptor: Int32, _ bytes: [UInt8]) -> String? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { piece in
        unsafe Glibc.write(descriptor, piece.baseAddress, piece.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let reason = errorText()
        close(descriptor)
        return reason
      }
      rest = rest.dropFirst(count)
    }
    return close(descriptor) == 0 ? nil : errorText()
  }

  private static func move(_ new: String, to path: String) -> String? {
    unsafe rename(new, path) == 0 ? nil : errorText()
  }

  private static func errorText() -> String {
    guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
    return unsafe String(cString: text)
  }
}
