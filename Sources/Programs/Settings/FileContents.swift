import Glibc

/// The whole of a small file.
///
/// Configuration and key files are a few hundred bytes; the bound keeps a mistyped path (a disk
/// image) from filling the memory. Only regular files are read, and pipes that are open already and
/// named by their number, as the shell's `<(...)` and `/dev/stdin` do: what comes through one is
/// waited for, but not for ever.
package enum FileContents {
  /// 1 MiB.
  static let bytesMax = 1 << 20

  /// The bytes of `path`. With `secret`, a file that others than its owner may read is refused.
  package static func read(_ path: String, secret: Bool = false) throws(SettingsError) -> [UInt8] {
    // Before it is opened: to open somebody's FIFO would already tell its writer of a reader.
    try refuseWrongKind(path)
    // Not to wait in `open`, should it have become a FIFO since.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { _ = close(descriptor) }
    if secret { try refuseExposed(path, descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    let deadline = milliseconds() + pipeMilliseconds
    while true {
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        try wait(for: descriptor, path, until: deadline)
        continue
      }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= bytesMax else {
        throw .malformed(file: path, reason: "longer than \(bytesMax) bytes")
      }
    }
  }

  /// Says what a path is that is neither a regular file nor a pipe that is open already. For files
  /// that others read.
  package static func refuseWrongKind(_ path: String) throws(SettingsError) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw unreadable(path) }
    let kind: String
    switch status.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFIFO:
      if isOpenDescriptor(path) { return }
      kind = "a FIFO"
    case S_IFDIR: kind = "a directory"
    case S_IFSOCK: kind = "a socket"
    default: kind = "a device"
    }
    throw .unreadable(file: path, reason: "it is \(kind), and a regular file is needed")
  }

  /// How long a pipe may take until its end, in milliseconds.
  private static let pipeMilliseconds = 5_000

  private static func isOpenDescriptor(_ path: String) -> Bool {
    ["/dev/fd/", "/proc/self/fd/"].contains { path.hasPrefix($0) } || path == "/dev/stdin"
  }

  private static func wait(
    for descriptor: Int32, _ path: String, until deadline: Int
  ) throws(SettingsError) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let left = deadline - milliseconds()
    guard left > 0, unsafe poll(&entry, 1, Int32(clamping: left)) != 0 else {
      throw .unreadable(
        file: path, reason: "the pipe did not come to its end within \(pipeMilliseconds / 1_000) s")
    }
  }

  private static func milliseconds() -> Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
  }

  private static func refuseExposed(_ path: String, _ descriptor: Int32) throws(SettingsError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    guard status.st_mode & 0o077 == 0 else {
      throw .exposed(file: path, mode: String(status.st_mode & 0o777, radix: 8))
    }
  }

  private static func unreadable(_ path: String) -> SettingsError {
    .unreadable(file: path, reason: systemErrorText(errno))
  }
}

/// The system's words for an `errno` value.
package func systemErrorText(_ number: Int32) -> String {
  guard let text = unsafe strerror(number) else { return "error \(number)" }
  return unsafe String(cString: text)
}
