import Glibc

/// The file that gets the counters, for whoever watches a program.
package enum StatisticsFile {
  /// Writes `text` beside `path` and moves it there, so that a reader sees the old text or the new
  /// one and never half of it. Returns why it could not be done, or nil.
  package static func write(_ text: String, to path: String) -> String? {
    let new = path + ".new"
    let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return errorText() }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    let isWhole = rest.isEmpty
    guard close(descriptor) == 0, isWhole else { return errorText() }
    return unsafe rename(new, path) == 0 ? nil : errorText()
  }

  private static func errorText() -> String {
    guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
    return unsafe String(cString: text)
  }
}
