import Glibc

/// The whole of a small file.
///
/// Configuration and key files are a few hundred bytes; the bound keeps a mistyped path
/// (a disk image, `/dev/zero`) from filling the memory.
package enum FileContents {
  /// 1 MiB.
  static let bytesMax = 1 << 20

  /// The bytes of `path`. With `secret`, a file that others than its owner may read is refused.
  package static func read(_ path: String, secret: Bool = false) throws(SettingsError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { _ = close(descriptor) }
    if secret { try refuseExposed(path, descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= bytesMax else {
        throw .malformed(file: path, reason: "longer than \(bytesMax) bytes")
      }
    }
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
