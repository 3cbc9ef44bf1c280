/// One line of a session description: its letter, its value and where it stood.
struct SdpLine {
  /// The line's number, 1 the first.
  var number: Int
  /// The ASCII letter before `=`.
  var letter: UInt8
  /// What follows `=`, without the line's end.
  var value: Substring.UTF8View

  /// For `a=` lines: the name before the first colon, and what follows it ("" for a flag).
  var attribute: (name: String, value: Substring) {
    let all = Substring(value)
    guard let colon = value.firstIndex(of: UInt8(ascii: ":")) else { return (String(all), "") }
    return (String(all[..<colon]), all[value.index(after: colon)...])
  }
}

extension SdpLine {
  /// Splits a description into lines ended by CRLF or LF (RFC 8866, section 5, lets parsers take
  /// both). What editors and templates leave behind is passed over: empty lines, blanks at the end
  /// of a line, a byte order mark before the first.
  static func split(_ text: String) throws(SdpError) -> [SdpLine] {
    var lines: [SdpLine] = []
    var number = 0
    let bytes = Substring(text).utf8
    let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
    for raw in body.split(separator: 10, omittingEmptySubsequences: false) {
      number += 1
      var content = raw
      while let last = content.last, isBlank(last) { content.removeLast() }
      if content.isEmpty { continue }
      let rest = content.dropFirst()
      guard let letter = content.first, rest.first == UInt8(ascii: "="), isLetter(letter) else {
        throw SdpError(.notALine, line: number)
      }
      lines.append(SdpLine(number: number, letter: letter, value: rest.dropFirst()))
    }
    return lines
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 13 || byte == 9 }

  private static func isLetter(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
  }
}

/// Words parted by spaces; several spaces count as one, as in practice.
func words(_ text: Substring) -> [Substring] {
  text.split(separator: " ")
}

/// ASCII lower case; attribute values such as hash names and encoding names ignore case.
func lowercased(_ text: Substring) -> String {
  String(
    decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
}

/// A decimal number without sign, at most `limit`; nil for everything else.
func number(_ text: Substring, max limit: Int) -> Int? {
  guard !text.isEmpty, text.utf8.count <= 9 else { return nil }
  var value = 0
  for byte in text.utf8 {
    guard byte >= 0x30, byte <= 0x39 else { return nil }
    value = value * 10 + Int(byte - 0x30)
  }
  return value <= limit ? value : nil
}

/// A number of bytes, however large: what is over 2 GiB counts as that much. nil for everything
/// that is not all digits.
func size(_ text: Substring) -> Int? {
  guard text.utf8.count > 9 else { return number(text, max: .max) }
  guard text.utf8.count <= 20, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
    return nil
  }
  return min(Int(text) ?? .max, 1 << 31)
}

/// Whether all characters are of the ice-char alphabet and their number is in `range`
/// (RFC 8839, section 5.4).
func isIceText(_ text: Substring, _ range: ClosedRange<Int>) -> Bool {
  range.contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"): true
      default: false
      }
    }
}

/// Whether the text is a token of RFC 8866, section 9, that may be repeated in an answer.
func isToken(_ text: Substring) -> Bool {
  !text.isEmpty && text.utf8.count <= 64
    && text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7B...0x7E: true
      default: false
      }
    }
}
