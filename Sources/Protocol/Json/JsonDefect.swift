import Wire

/// Where and why a text is not JSON: half a sentence, with the number of the line.
///
/// The words are those of Jansson, which read files here before: operators know them.
package struct JsonDefect: Error, Equatable, CustomStringConvertible {
  package let description: String

  /// More bytes of the text are never shown: a file of keys must not end up in a log.
  private static let shownBytesMax = 20

  /// The word at `start` is not what should stand there, which `expectation` says; with nil, a
  /// value should. What is wrong within the word is said first.
  init(_ expectation: String?, at start: Int, in bytes: RawSpan) {
    let word = JsonWord(at: start, in: bytes)
    let usual = word.isSound ? "unexpected token" : "invalid token"
    let reason = word.defect ?? expectation ?? usual
    var line = 1
    for offset in 0..<word.end where bytes.u8(at: offset) == UInt8(ascii: "\n") { line += 1 }
    description = "line \(line): \(reason)\(Self.place(start, word.end, bytes))"
  }

  private static func place(_ start: Int, _ end: Int, _ bytes: RawSpan) -> String {
    guard end - start <= shownBytesMax else { return "" }
    let part = JsonPart(kind: .string, offset: start, count: end - start, isEscaped: false)
    let shown = JsonText.copy(part, in: bytes).prefix { $0 != 0 }
    if shown.isEmpty { return " near end of file" }
    return " near '\(String(decoding: shown, as: UTF8.self))'"
  }
}

/// A word of a text that is not JSON, for the sentence that says so: a string, a number, letters,
/// or one character. At the end of the text it is empty.
private struct JsonWord {
  var end: Int
  /// It may stand in a JSON text.
  var isSound = false
  /// What is wrong within it.
  var defect: String?

  init(at start: Int, in bytes: RawSpan) {
    end = start
    guard start < bytes.byteCount else {
      isSound = true
      return
    }
    switch bytes.u8(at: start) {
    case UInt8(ascii: "\""): readString(bytes)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): readNumber(bytes)
    case let byte where JsonScanner.isLetter(byte): readLetters(bytes)
    case let byte where byte < 0x80:
      end = start + 1
      isSound = "{}[]:,".utf8.contains(byte)
    case let byte:
      end = Utf8.end(of: bytes, at: start) ?? start
      if end == start { defect = Self.undecodable(byte) }
    }
  }

  private mutating func readString(_ bytes: RawSpan) {
    var scanner = JsonScanner(offset: end)
    guard let part = scanner.string(bytes) else {
      end = scanner.offset
      return readBrokenString(bytes)
    }
    end = scanner.offset
    do throws(JsonLoneSurrogate) {
      _ = try JsonString.characters(of: part, in: bytes)
      isSound = true
    } catch {
      let units = [error.unit, error.follower].compactMap { $0 }
      let escapes = units.map { "\\u" + Self.fourDigits($0) }.joined()
      defect = "invalid Unicode '\(escapes)'"
    }
  }

  /// The scanner stands at the first byte that does not fit, and at the backslash of an escape.
  private mutating func readBrokenString(_ bytes: RawSpan) {
    guard end < bytes.byteCount else {
      defect = "premature end of input"
      return
    }
    switch bytes.u8(at: end) {
    case UInt8(ascii: "\\"):
      defect = "invalid escape"
      readBrokenEscape(bytes)
    case UInt8(ascii: "\n"): defect = "unexpected newline"
    case let byte where byte < 0x20: defect = "control character 0x\(String(byte, radix: 16))"
    case let byte: defect = Self.undecodable(byte)
    }
  }

  /// Up to the byte that does not fit, this one included.
  private mutating func readBrokenEscape(_ bytes: RawSpan) {
    end += 1
    if end < bytes.byteCount, bytes.u8(at: end) == UInt8(ascii: "u") {
      end += 1
      while end < bytes.byteCount, JsonScanner.isHexadecimal(bytes.u8(at: end)) { end += 1 }
    }
    end = min(end + 1, bytes.byteCount)
  }

  private mutating func readNumber(_ bytes: RawSpan) {
    var scanner = JsonScanner(offset: end)
    let part = scanner.scalar(bytes)
    end = scanner.offset
    guard let part else { return }
    isSound = JsonNumber.value(of: part, in: bytes) != nil
    guard !isSound else { return }
    if !JsonNumber.isWhole(part, in: bytes) {
      defect = "real number overflow"
    } else if bytes.u8(at: part.offset) == UInt8(ascii: "-") {
      defect = "too big negative integer"
    } else {
      defect = "too big integer"
    }
  }

  private mutating func readLetters(_ bytes: RawSpan) {
    var scanner = JsonScanner(offset: end)
    isSound = scanner.scalar(bytes) != nil
    while end < bytes.byteCount, JsonScanner.isLetter(bytes.u8(at: end)) { end += 1 }
  }

  private static func fourDigits(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }

  private static func undecodable(_ byte: UInt8) -> String {
    "unable to decode byte 0x\(String(byte, radix: 16))"
  }
}
