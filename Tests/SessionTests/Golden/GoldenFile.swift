import COpus
import Glibc
import Testing

/// A file of `Tests/golden`: behaviour as it was when somebody last wrote it down.
struct GoldenFile {
  let name: String

  private static let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
  private var path: String { "\(Self.folder)/golden/\(name)" }

  /// What the words with `~` depend on. Two machines of one architecture have the same: libopus
  /// chooses among its x86 variants by what every x86-64 processor has (SSE4.1).
  private static var maker: String {
    #if arch(x86_64)
      let architecture = "x86_64"
    #else
      let architecture = "another architecture"
    #endif
    return "made with \(unsafe String(cString: opus_get_version_string())), \(architecture)"
  }

  /// Compares with the file, or writes it where `MARTLET_GOLDEN=write` asks for that.
  func check(_ lines: [String]) throws {
    let now = [Self.maker] + lines
    if unsafe getenv("MARTLET_GOLDEN").map({ unsafe String(cString: $0) }) == "write" {
      return try write(now.map { $0 + "\n" }.joined())
    }
    let kept = try read().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var (before, after) = (Array(kept.dropLast()), now)
    if before.first != after.first {
      before = before.dropFirst().map(Self.withoutCodec)
      after = after.dropFirst().map(Self.withoutCodec)
    }
    guard before != after else { return }
    Issue.record(
      """
      Tests/golden/\(name) says otherwise ("-" the file, "+" this run):
      \(Self.difference(before, after))
      If that is meant: tools/golden --write, and say so in the commit.
      """)
  }

  private static func withoutCodec(_ line: String) -> String {
    line.split(separator: " ", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("~") ? "~" : $0 }.joined(separator: " ")
  }

  /// The first lines that differ, with their numbers in the file and in this run.
  private static func difference(_ before: [String], _ after: [String]) -> String {
    let changes = after.difference(from: before)
    let removed = Set(changes.removals.map(\.offset))
    let inserted = Set(changes.insertions.map(\.offset))
    var lines: [String] = []
    var (old, new) = (0, 0)
    while old < before.count || new < after.count {
      if removed.contains(old) {
        lines.append("- \(old + 1): \(before[old])")
        old += 1
      } else if inserted.contains(new) {
        lines.append("+ \(new + 1): \(after[new])")
        new += 1
      } else {
        (old, new) = (old + 1, new + 1)
      }
    }
    let rest = lines.count > 40 ? ["... and \(lines.count - 40) more"] : []
    return (lines.prefix(40) + rest).joined(separator: "\n")
  }

  // MARK: - Files

  private struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  private func read() throws -> String {
    let file = unsafe fopen(path, "r")
    guard let file = unsafe file else { throw Failure("no \(path): tools/golden --write makes it") }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = unsafe fread(&piece, 1, piece.count, file), count > 0 {
      bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func write(_ text: String) throws {
    // Under another name first: two runs at once may write the same.
    let temporary = "\(path).\(getpid())"
    let file = unsafe fopen(temporary, "w")
    guard let file = unsafe file else { throw Failure("cannot write \(temporary)") }
    let bytes = Array(text.utf8)
    let count = unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
    let isRenamed = unsafe rename(temporary, path) == 0
    guard count == bytes.count, isRenamed else { throw Failure("cannot write \(path)") }
  }
}

extension CollectionDifference.Change {
  fileprivate var offset: Int {
    switch self {
    case .insert(let offset, _, _), .remove(let offset, _, _): offset
    }
  }
}
