import Glibc

/// The log of one process: one line per event, on standard error.
///
/// Any thread may call it, and none ever waits for who reads it (`LineWriter`); a line goes out in
/// one `write`, so lines of several threads and processes do not mix. It allocates, so the packet
/// path counts instead and logs later. Secrets never go in; client addresses go in masked.
package struct Log: Sendable {
  private let program: String
  private let format: LogFormat
  private let writer: LineWriter

  /// A descriptor below 0 is a log that nobody reads.
  package init(program: String, format: LogFormat = .text, descriptor: Int32 = 2) {
    self.program = program
    self.format = format
    writer = LineWriter(descriptor: descriptor) { count, loss in
      let reason =
        switch loss {
        case .slowReader: "because the reader of standard error is slow"
        case .refused(let text): "because they could not be written: \(text)"
        }
      return Self.line(
        format, .warning, program, "\(count) log lines lost \(reason)",
        [("lines", .number(Int(clamping: count)))])
    }
  }

  /// Lines that were lost so far, because they found no room or could not be written.
  package var linesLost: UInt64 { writer.linesLost }

  /// Waits until every line has been written, a second at most. False when not all have; the end of
  /// the process does the same.
  @discardableResult
  package func flush() -> Bool { writer.flush() }

  /// No line follows: for a log that ends before its process.
  package func end() { writer.end() }

  /// Something happened that is part of the ordinary course of things.
  package func info(_ event: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
    write(.info, event, fields)
  }

  /// The same, with fields that are put together at the time.
  package func info(_ event: String, _ fields: [(key: String, value: LogValue)]) {
    write(.info, event, fields)
  }

  /// Something is not as it should be, and the process goes on.
  package func warning(_ event: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
    write(.warning, event, fields)
  }

  /// The same, with fields that are put together at the time.
  package func warning(_ event: String, _ fields: [(key: String, value: LogValue)]) {
    write(.warning, event, fields)
  }

  /// Something failed for good.
  package func error(_ event: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
    write(.error, event, fields)
  }

  private func write(
    _ level: LogLevel, _ event: String, _ fields: some Sequence<(key: String, value: LogValue)>
  ) {
    writer.write(Self.line(format, level, program, event, fields))
  }

  private static func line(
    _ format: LogFormat, _ level: LogLevel, _ program: String, _ event: String,
    _ fields: some Sequence<(key: String, value: LogValue)>
  ) -> String {
    LogLine.render(
      format, time: timeText(), level: level, program: program, event: event, fields: fields) + "\n"
  }

  /// UTC with milliseconds, as in RFC 3339.
  private static func timeText() -> String {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    var parts = unsafe tm()
    unsafe gmtime_r(&now.tv_sec, &parts)
    var text = [UInt8](repeating: 0, count: 32)
    let count = unsafe text.withUnsafeMutableBytes { buffer in
      unsafe strftime(
        buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count,
        "%Y-%m-%dT%H:%M:%S", &parts)
    }
    let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
    return String(decoding: text[..<count], as: UTF8.self) + ".\(milliseconds)Z"
  }
}
