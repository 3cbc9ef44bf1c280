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
  static func difference(_ before: [String], _ after: [String]) -> String {
    let start = zip(before, after).prefix { $0 == $1 }.count
    let common = before.reversed().prefix(before.count - start)
    let end = zip(common, after.reversed().prefix(after.count - start)).prefix { $0 == $1 }.count
    let window = 60
    let old = before[start..<min(before.count - end, start + window)]
    let new = after[start..<min(after.count - end, start + window)]
    let lines = Array(new).difference(from: Array(old)).map { change in
      switch change {
      case .remove(let offset, let line, _): (offset, "- \(start + offset + 1): \(line)")
      case .insert(let offset, let line, _): (offset, "+ \(start + offset + 1): \(line)")
      }
    }
    let shown = lines.sorted { $0.0 < $1.0 }.prefix(40).map(\.1)
    let span = "lines \(start + 1) to \(before.count - end) of \(before.count) differ"
    return ([span] + shown).joined(separator: "\n")
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
