import Glibc

/// What the kernel tells of the machine in /sys and /proc, below a root that can be another folder:
/// a test's, or a copy of another machine's.
///
/// Everything is read when asked for; nothing is kept. Any thread; allocates. A file that is not
/// there or cannot be read is nil: kernels, drivers and containers show different parts.
package struct MachineFiles: Sendable {
  /// In front of every path: empty for the machine itself.
  package let root: String
  /// 64 KiB: the longest list of CPUs is a tenth of it.
  private static let bytesMax = 1 << 16

  /// `root` has no slash at its end, since every path begins with one. Nothing is read yet: below a
  /// folder that is not there every file is nil.
  package init(root: String = "") { self.root = root }

  /// The whole text of `path`, which begins with a slash.
  func text(_ path: String) -> String? {
    let descriptor = unsafe open(root + path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
    var count = 0
    while count < bytes.count {
      let more = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress! + count, buffer.count - count)
      }
      if more < 0 && errno == EINTR { continue }
      guard more >= 0 else { return nil }
      if more == 0 { break }
      count += more
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// The first line of `path`, without its end; nil when there is none.
  func line(_ path: String) -> String? {
    text(path)?.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
  }

  /// The number in `path`.
  package func integer(_ path: String) -> Int? { line(path).flatMap { Int($0) } }

  /// The names in a folder, in alphabetical order; none when there is no such folder.
  func names(in path: String) -> [String] {
    guard let folder = unsafe opendir(root + path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The numbers N of all names `prefix`N in a folder, ascending.
  func numbers(in path: String, after prefix: String = "") -> [Int] {
    names(in: path).compactMap { name in
      name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
    }.filter { $0 >= 0 }.sorted()
  }

  /// The value of `key` in /proc/self/status.
  package func ownStatus(_ key: String) -> String? {
    guard let lines = text("/proc/self/status")?.split(separator: "\n") else { return nil }
    for line in lines where line.hasPrefix(key + ":") {
      return line.dropFirst(key.count + 1).trimmingBlanks
    }
    return nil
  }
}

extension Substring {
  /// Without blanks and tabs at both ends.
  fileprivate var trimmingBlanks: String {
    let words = self.drop { $0.isWhitespace }
    let blanks = words.reversed().prefix { $0.isWhitespace }.count
    return String(words.dropLast(blanks))
  }
}
