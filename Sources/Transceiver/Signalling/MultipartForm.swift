/// A form as browsers and SDKs post it: `multipart/form-data` (RFC 7578, RFC 2046, section 5.1).
///
/// Each byte of a body is looked at a bounded number of times, whatever it says.
struct MultipartForm {
  /// One field of the form.
  struct Part: Equatable {
    var name: String
    /// In lower case, without parameters; "" when the part does not say it.
    var mediaType: String
    var body: ArraySlice<UInt8>
  }

  /// Why a body is no form: a sentence for the person who made it.
  struct Defect: Error, Equatable, CustomStringConvertible {
    let description: String
  }

  /// More parts than any client of this API sends.
  static let partsMax = 8
  /// Of the header of one part.
  static let headerBytesMax = 2_048
  private static let lineEnd: [UInt8] = [13, 10]

  private(set) var parts: [Part] = []

  /// The part of that name.
  subscript(name: String) -> Part? { parts.first { $0.name == name } }

  /// - Parameter boundary: of the `Content-Type` field.
  init(_ body: [UInt8], boundary: String) throws(Defect) {
    guard (1...70).contains(boundary.utf8.count) else {
      throw Defect(description: "the boundary must have 1 to 70 characters")
    }
    let mark = Array("--\(boundary)".utf8)
    var begin: Int?
    var position = 0
    while let delimiter = Self.delimiter(mark, in: body, from: position) {
      if let begin { try take(body[begin..<max(begin, delimiter.lineBefore)]) }
      if delimiter.isLast { return }
      begin = delimiter.end
      position = delimiter.end
    }
    throw Defect(description: "the body does not end with --\(boundary)--")
  }

  private mutating func take(_ bytes: ArraySlice<UInt8>) throws(Defect) {
    guard parts.count < Self.partsMax else {
      throw Defect(description: "more than \(Self.partsMax) parts")
    }
    var rest = bytes
    var part = Part(name: "", mediaType: "", body: [])
    while true {
      guard let line = Self.takeLine(&rest),
        rest.startIndex - bytes.startIndex <= Self.headerBytesMax
      else {
        throw Defect(
          description: "the header of a part has no end within \(Self.headerBytesMax) bytes")
      }
      if line.isEmpty { break }
      try part.take(field: line)
    }
    guard !part.name.isEmpty else {
      throw Defect(description: "a part has no Content-Disposition: form-data with a name")
    }
    guard self[part.name] == nil else {
      throw Defect(description: "two parts are called \(part.name)")
    }
    part.body = rest
    parts.append(part)
  }

  /// The next line of a part's header without its end; nil when there is none.
  private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let window = rest.prefix(headerBytesMax + 2)
    guard let end = window.indices.first(where: { window[$0...].starts(with: lineEnd) }) else {
      return nil
    }
    defer { rest = rest[(end + 2)...] }
    return rest[..<end]
  }

  private struct Delimiter {
    /// Where the content before it ends: at the line end that belongs to the delimiter.
    var lineBefore: Int
    /// Behind its own line.
    var end: Int
    var isLast: Bool
  }

  /// The next line that is the mark, or the mark and `--`; blanks may follow.
  private static func delimiter(
    _ mark: [UInt8], in body: [UInt8], from start: Int
  ) -> Delimiter? {
    var line = start
    while line < body.count {
      let next = body[line...].firstIndex(of: 10).map { $0 + 1 } ?? body.count
      let isLine = line == 0 || (line >= 2 && body[line - 2] == 13)
      if isLine, body[line..<next].starts(with: mark) {
        let behind = body[(line + mark.count)..<next]
        let isLast = behind.starts(with: [0x2D, 0x2D])
        let rest = (isLast ? behind.dropFirst(2) : behind).drop { $0 == 0x20 || $0 == 0x09 }
        // Behind the last delimiter anything may follow; the others must have their line end.
        if isLast ? (rest.isEmpty || rest.starts(with: lineEnd)) : rest.elementsEqual(lineEnd) {
          return Delimiter(lineBefore: max(0, line - 2), end: next, isLast: isLast)
        }
      }
      line = next
    }
    return nil
  }
}

extension MultipartForm.Part {
  /// Takes one header field of the part.
  fileprivate mutating func take(field line: ArraySlice<UInt8>) throws(MultipartForm.Defect) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw MultipartForm.Defect(description: "a header line of a part has no colon")
    }
    let value = FieldValue(String(decoding: line[(colon + 1)...], as: UTF8.self))
    switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
    case "content-disposition":
      if value.value == "form-data" { name = value.parameters["name"] ?? "" }
    case "content-type": mediaType = value.value
    case "content-transfer-encoding":
      guard ["7bit", "8bit", "binary"].contains(value.value) else {
        throw MultipartForm.Defect(description: "parts must come as they are, not \(value.value)")
      }
    default: break
    }
  }
}
