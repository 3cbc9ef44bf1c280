import Glibc
import Runtime
import Testing

/// A folder of a test's own, removed with what is in it.
private final class Folder {
  let path: String

  init() {
    var name = Array("/tmp/martlet-output-XXXXXX".utf8CString)
    let isMade = unsafe mkdtemp(&name) != nil
    precondition(isMade)
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { unsafe remove("\(path)/\(name)") }
    unsafe rmdir(path)
  }

  /// What is in it, sorted.
  var names: [String] {
    guard let folder = unsafe opendir(path) else { return [] }
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

  func text(_ name: String) -> String? {
    guard let file = unsafe fopen("\(path)/\(name)", "r") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

@Suite struct OutputFileTests {
  private let folder = Folder()

  @Test func aFileIsMadeAndReplacedWhole() {
    let path = folder.path + "/stats"
    #expect(OutputFile.trouble(with: path) == nil)
    #expect(folder.names == [])
    #expect(OutputFile.write("a long first text\n", to: path) == nil)
    #expect(OutputFile.trouble(with: path) == nil)
    #expect(OutputFile.write("short\n", to: path) == nil)
    #expect(folder.text("stats") == "short\n")
    #expect(folder.names == ["stats"])
  }

  /// Everything that is there and no regular file: it stays what it is, and the sentence names it.
  @Test(arguments: ["link", "dangling", "directory", "FIFO", "socket", "device"])
  func whatIsNoRegularFileIsRefusedAndStays(kind: String) throws {
    var path = folder.path + "/it"
    let target = folder.path + "/target"
    let word: String
    switch kind {
    case "link":
      #expect(OutputFile.write("target's\n", to: target) == nil)
      #expect(unsafe symlink(target, path) == 0)
      word = "a symbolic link"
    case "dangling":
      #expect(unsafe symlink(target, path) == 0)
      word = "a symbolic link"
    case "directory":
      #expect(unsafe mkdir(path, 0o700) == 0)
      word = "a directory"
    case "FIFO":
      #expect(unsafe mkfifo(path, 0o600) == 0)
      word = "a FIFO"
    case "socket":
      #expect(unsafe mknod(path, S_IFSOCK | 0o600, 0) == 0)
      word = "a socket"
    default:
      // Looked at only: that it would be taken away is what this is about.
      path = "/dev/null"
      word = "a device"
    }
    let names = folder.names
    var before = stat()
    #expect(unsafe lstat(path, &before) == 0)
    #expect(OutputFile.trouble(with: path)?.sentence.contains("\(path) is \(word)") == true)
    if kind != "device" {
      #expect(OutputFile.write("ours\n", to: path)?.contains(word) == true)
    }
    var after = stat()
    #expect(unsafe lstat(path, &after) == 0)
    #expect(before.st_ino == after.st_ino && before.st_mode == after.st_mode)
    #expect(folder.names == names)
    if kind == "link" { #expect(folder.text("target") == "target's\n") }
  }

  @Test func whatAKilledProcessLeftIsNoObstacle() throws {
    let path = folder.path + "/stats"
    // The name that this file had once, as a file and as a link to somewhere.
    #expect(unsafe symlink(folder.path + "/elsewhere", path + ".new") == 0)
    #expect(OutputFile.write("text\n", to: path) == nil)
    #expect(folder.text("stats") == "text\n")
    #expect(folder.text("elsewhere") == nil)
    #expect(folder.names == ["stats", "stats.new"])
  }

  @Test func nothingStaysOfWhatCouldNotBeWritten() {
    let path = folder.path + "/no/stats"
    guard case .refused(let sentence) = OutputFile.trouble(with: path) else {
      return #expect(Bool(false), "there is no such folder")
    }
    #expect(sentence.hasSuffix("No such file or directory"))
    #expect(OutputFile.write("text\n", to: path)?.contains("cannot make a file") == true)
    #expect(folder.names == [])
  }

  /// A disk that is full: here a limit on the length of files.
  @Test func aFullDiskLeavesTheOldFileAndNoRest() async {
    await #expect(processExitsWith: .success) {
      let folder = Folder()
      let path = folder.path + "/stats"
      guard OutputFile.write("old\n", to: path) == nil else { exit(1) }
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 8, rlim_max: 8)
      guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
        OutputFile.write("a text that is longer than that\n", to: path) != nil
      else { exit(2) }
      exit(folder.text("stats") == "old\n" && folder.names == ["stats"] ? 0 : 3)
    }
  }
}
