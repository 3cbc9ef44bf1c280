import Glibc
import Settings
import Testing

private let workers = Setting.value("workers", .integer(1...64), default: "1", help: "threads")
private let media = Setting.list("media", .text("ADDR"), help: "addresses")
private let quiet = Setting.flag("quiet", help: "say less")
private let command = Command(
  "sample", summary: "s",
  declarations: [workers.declaration, media.declaration, quiet.declaration])

@Suite struct ConfigurationFileTests {
  private func settings(_ json: String, _ arguments: [String] = []) throws -> ParsedSettings {
    let file = TemporaryFile(json)
    guard case .run(let settings) = try command.parse(["--config", file.path] + arguments) else {
      throw SettingsError.unexpectedOperand("an answer instead of settings")
    }
    return settings
  }

  @Test func aFileCanHoldEverySetting() throws {
    let settings = try settings(#"{"workers": 4, "media": ["a", "b"], "quiet": true}"#)
    #expect(settings[workers] == 4)
    #expect(settings[media] == ["a", "b"])
    #expect(settings[quiet])
  }

  @Test func theCommandLineWins() throws {
    let settings = try settings(
      #"{"workers": 4, "media": ["a", "b"], "quiet": true}"#,
      ["--workers=2", "--media", "c", "--quiet=false"])
    #expect(settings[workers] == 2)
    #expect(settings[media] == ["c"])
    #expect(!settings[quiet])
  }

  @Test(arguments: [
    (#"{"wokers": 4}"#, ": has no setting"),
    (#"{"workers": true}"#, "\"workers\" must be a whole number from 1 to 64, not \"true\""),
    (#"{"workers": [1, 2]}"#, "\"workers\" must be a whole number from 1 to 64, not \"a list\""),
    (#"{"workers": 4.5}"#, "not \"4.5\""),
    (#"{"quiet": 1}"#, "\"quiet\" must be true or false, not \"1\""),
    (#"{"workers": 1, "workers": 2}"#, "line 1: duplicate object key"),
    (#"["workers"]"#, "not a JSON object"),
    (#"{"workers": }"#, "line 1: "),
    ("", "line 1: "),
  ])
  func mistakesAreNamed(json: String, part: String) {
    let error = #expect(throws: SettingsError.self) { _ = try settings(json) }
    let sentence = error?.description ?? ""
    let expected =
      part == ": has no setting" ? " has no setting \"wokers\"; did you mean \"workers\"?" : part
    #expect(sentence.contains(expected), "\(sentence)")
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: SettingsError.self) {
      _ = try command.parse(["--config", "/nowhere/at.all"])
    }
    #expect(error?.description == "cannot read /nowhere/at.all: No such file or directory")
  }

  @Test func aSecretFileMustBePrivate() throws {
    let file = TemporaryFile("secret")
    unsafe chmod(file.path, 0o644)
    let error = #expect(throws: SettingsError.self) {
      _ = try FileContents.read(file.path, secret: true)
    }
    #expect(error == .exposed(file: file.path, mode: "644"))
    unsafe chmod(file.path, 0o600)
    #expect(try FileContents.read(file.path, secret: true) == Array("secret".utf8))
  }
}

/// What may be read as a file, and how long that may take.
@Suite struct FileContentsTests {
  private func refusal(_ path: String) -> String? {
    do {
      _ = try FileContents.read(path, secret: true)
      return nil
    } catch {
      return error.description
    }
  }

  /// Nobody writes into it: whoever opens it to read waits for ever.
  @Test func aFifoIsRefusedAtOnce() {
    let path = "/tmp/martlet-fifo-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    #expect(unsafe mkfifo(path, 0o600) == 0)
    defer { unsafe unlink(path) }
    #expect(
      refusal(path) == "cannot read \(path): it is a FIFO, and a regular file is needed")
  }

  @Test(arguments: [("/dev/zero", "a device"), ("/dev/null", "a device"), ("/tmp", "a directory")])
  func whatIsNoFileIsNamed(path: String, kind: String) {
    #expect(refusal(path) == "cannot read \(path): it is \(kind), and a regular file is needed")
  }

  /// As `martlet up` and the shell's `<(...)` pass a file on.
  @Test(arguments: ["/dev/fd/", "/proc/self/fd/"])
  func aPipeThatIsOpenAlreadyIsRead(folder: String) throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    // A program that another test starts would hold the end back.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    write("secret", to: ends[1])
    close(ends[1])
    #expect(try FileContents.read("\(folder)\(ends[0])", secret: true) == Array("secret".utf8))
  }

  @Test func aPipeThroughWhichNothingComesIsGivenUp() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(refusal("/dev/fd/\(ends[0])")?.contains("did not come to its end within 5 s") == true)
  }

  @Test func aPipeThatNeverEndsIsGivenUp() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    write("{", to: ends[1])
    #expect(refusal("/dev/fd/\(ends[0])")?.contains("did not come to its end") == true)
  }
}

/// A file with the given text, removed with its owner.
final class TemporaryFile {
  let path: String

  init(_ text: String) {
    var name = Array("/tmp/martlet-test-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&name)
    precondition(descriptor >= 0)
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    write(text, to: descriptor)
    close(descriptor)
  }

  deinit { unsafe unlink(path) }
}
