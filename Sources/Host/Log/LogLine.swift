/// How log lines are written: `key=value` text for people, or one JSON object a line.
package enum LogFormat: String, Sendable, CaseIterable { case text, json }

/// How much an event matters.
package enum LogLevel: String, Sendable { case info, warning, error }

/// The value of one key of an event.
package enum LogValue: Sendable, Equatable, ExpressibleByStringLiteral,
  ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral
{
  case text(String)
  case number(Int)

  /// A field written as a literal or an interpolation; text lines quote it unless it is one word
  /// of ASCII.
  package init(stringLiteral text: String) { self = .text(text) }
  /// A field written as a literal; JSON has it as a number.
  package init(integerLiteral number: Int) { self = .number(number) }
}

/// One event as one line, without the line end. Pure: the time comes in as text.
enum LogLine {
  static func render(
    _ format: LogFormat, time: String, level: LogLevel, program: String, event: String,
    fields: some Sequence<(key: String, value: LogValue)>
  ) -> String {
    switch format {
    case .text:
      var line = "\(time) \(level.rawValue) \(program): \(singleLine(event))"
      for (key, value) in fields { line += " \(key)=\(plain(value))" }
      return line
    case .json:
      var line = "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\""
      line += ",\"program\":\(quoted(program)),\"event\":\(quoted(event))"
      for (key, value) in fields { line += ",\(quoted(key)):\(json(value))" }
      return line + "}"
    }
  }

  private static func plain(_ value: LogValue) -> String {
    switch value {
    case .number(let number): return String(number)
    case .text(let text):
      let isBare = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 < 0x7F }
      return isBare ? text : quoted(text)
    }
  }

  private static func json(_ value: LogValue) -> String {
    switch value {
    case .number(let number): String(number)
    case .text(let text): quoted(text)
    }
  }

  /// What a peer sent may stand in an event: it must not start a line of its own.
  private static func singleLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
