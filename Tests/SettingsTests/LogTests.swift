import Glibc
import Json
import Log
import Settings
import Testing

@Suite struct LogTests {
  private func written(_ format: LogFormat, _ body: (Log) -> Void) throws -> String {
    let file = TemporaryFile("")
    let descriptor = unsafe open(file.path, O_WRONLY)
    let log = Log(program: "sample", format: format, descriptor: descriptor)
    body(log)
    // Waits a second each time, and the log's thread may be later.
    #expect((0..<60).contains { _ in log.flush() })
    log.end()
    close(descriptor)
    return String(decoding: try FileContents.read(file.path), as: UTF8.self)
  }

  @Test func textLinesQuoteWhatIsNotOneWord() throws {
    let line = try written(.text) { log in
      log.info("call ended", ["reason": "hang-up by peer", "seconds": 12, "from": "1.2.3.x:5"])
    }
    #expect(
      line.hasSuffix(
        "Z info sample: call ended reason=\"hang-up by peer\" seconds=12 from=1.2.3.x:5\n"))
  }

  @Test func whatAPeerSentCannotStartALine() throws {
    for format in LogFormat.allCases {
      let line = try written(format) { log in
        log.warning("bad\noffer", ["text": "a\r\nb\"\u{1b}"])
      }
      #expect(line.filter { $0.isNewline } == "\n")
      #expect(!line.contains("\u{1b}"))
    }
  }

  @Test func jsonLinesAreJson() throws {
    let line = try written(.json) { log in
      log.error("it \"broke\"", ["path": "a\\b\t", "code": -1])
    }
    let value = try JsonValue.parse(Array(line.utf8), file: "log")
    #expect(value["level"] == .text("error"))
    #expect(value["event"] == .text("it \"broke\""))
    #expect(value["path"] == .text("a\\b\t"))
    #expect(value["code"] == .integer(-1))
  }
}
