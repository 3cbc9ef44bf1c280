import Glibc
import Log
import Testing

/// How long the writer's thread may take to do what it can do at once.
private let patience = 60_000

/// A pipe whose reading end nobody reads until the test does.
private final class Pipe {
  private(set) var reader: Int32
  private(set) var writer: Int32

  init() {
    var ends: [Int32] = [0, 0]
    let status = unsafe pipe(&ends)
    precondition(status == 0)
    (reader, writer) = (ends[0], ends[1])
    _ = fcntl(writer, 1_031, 4_096)  // F_SETPIPE_SZ, which Swift does not see
  }

  deinit {
    close(reader)
    close(writer)
  }

  /// Reads until a line has `text` in it; everything that was read. Waits as long as it takes.
  func read(until text: String) -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe Glibc.read(reader, &piece, piece.count)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += piece[..<count]
      let all = String(decoding: bytes, as: UTF8.self)
      if all.hasSuffix("\n"), all.contains(text) { return all }
    }
  }
}

@Suite struct LineWriterTests {
  private func writer(_ descriptor: Int32) -> LineWriter {
    LineWriter(descriptor: descriptor) { count, loss in "lost \(count): \(loss)\n" }
  }

  /// More than the pipe and everything that may wait.
  private static let many = 20_000

  @Test func aStoppedReaderHoldsNobodyUpAndLossIsCountedAndSaidInItsPlace() {
    let pipe = Pipe()
    let writer = writer(pipe.writer)
    // Would never end if it waited.
    for number in 0..<Self.many { writer.write("line \(number)\n") }
    let lost = Int(writer.linesLost)
    #expect(lost > 0 && lost < Self.many)
    #expect(!writer.flush(milliseconds: 50))

    let text = pipe.read(until: "lost")
    let lines = text.split(separator: "\n").map(String.init)
    let kept = Self.many - lost
    #expect(lines.count == kept + 1)
    #expect(lines.prefix(kept).elementsEqual((0..<kept).map { "line \($0)" }))
    #expect(lines.last == "lost \(lost): slowReader")
    // What comes now is written again.
    writer.write("after\n")
    #expect(pipe.read(until: "after") == "after\n")
    #expect(writer.flush(milliseconds: patience))
    writer.end()
  }

  @Test func linesOfAllThreadsComeWholeAndInTheirOrder() throws {
    let pipe = Pipe()
    let writer = writer(pipe.writer)
    let threads = (0..<4).map { thread in
      OtherThread { for number in 0..<500 { writer.write("\(thread) \(number)\n") } }
    }
    for thread in threads { thread.join() }
    writer.write("end\n")
    let lines = pipe.read(until: "end").split(separator: "\n").dropLast()
    #expect(lines.count == 2_000)
    for thread in 0..<4 {
      let own = lines.filter { $0.hasPrefix("\(thread) ") }
      #expect(own.elementsEqual((0..<500).map { "\(thread) \($0)" }))
    }
    writer.end()
  }

  @Test func whatTheSystemRefusesIsSaidWhenItTakesLinesAgain() throws {
    let full = unsafe open("/dev/full", O_WRONLY)
    try #require(full >= 0)
    let writer = writer(full)
    writer.write("one\n")
    #expect(writer.flush(milliseconds: patience))
    writer.write("two\n")
    #expect(writer.flush(milliseconds: patience))
    #expect(writer.linesLost == 2)
    let pipe = Pipe()
    #expect(dup2(pipe.writer, full) == full)
    writer.write("three\n")
    #expect(pipe.read(until: "three") == "lost 2: refused(\"No space left on device\")\nthree\n")
    writer.end()
    close(full)
  }

  @Test func aReaderThatIsGoneIsNoReasonToDie() {
    var ends: [Int32] = [0, 0]
    #expect(unsafe pipe(&ends) == 0)
    close(ends[0])
    let writer = writer(ends[1])
    writer.write("nobody hears\n")
    #expect(writer.flush(milliseconds: patience))
    writer.end()
    close(ends[1])
  }

  @Test func nobodyIsAskedForByALogWithoutADescriptor() {
    let writer = writer(-1)
    writer.write("nothing\n")
    #expect(writer.flush(milliseconds: patience))
    #expect(writer.linesLost == 0)
  }

  @Test func theLogSaysHowManyLinesItLost() {
    let pipe = Pipe()
    let log = Log(program: "sample", format: .json, descriptor: pipe.writer)
    for number in 0..<Self.many { log.info("event", ["number": .number(number)]) }
    let lost = log.linesLost
    #expect(lost > 0)
    let text = pipe.read(until: "lost")
    #expect(text.contains("\(lost) log lines lost because the reader of standard error is slow"))
    #expect(text.hasSuffix("\"lines\":\(lost)}\n"))
    log.end()
  }
}

/// A thread for a closure.
private final class OtherThread {
  private var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let box = unsafe Unmanaged.passRetained(Box(body))
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    precondition(status == 0)
  }

  func join() { pthread_join(thread, nil) }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
