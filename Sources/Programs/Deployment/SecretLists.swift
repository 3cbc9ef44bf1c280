package import Settings

/// A line of a file of secrets that counts: without the blanks around it, not empty, and no comment
/// (`#` first).
private struct SecretLine {
  /// The first is 1.
  let number: Int
  let text: String

  /// ASCII without blanks or control characters.
  var isOneWord: Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

  static func all(of bytes: [UInt8]) -> [SecretLine] {
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
    let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    return lines.enumerated().compactMap { index, line in
      let word = line.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
      if word.isEmpty || word.first == UInt8(ascii: "#") { return nil }
      return SecretLine(number: index + 1, text: String(decoding: word, as: UTF8.self))
    }
  }
}

/// A file of API keys: one a line; blanks around them, empty lines and lines that begin with `#` do
/// not count. Only its owner may be able to read it.
package enum ApiKeyFile {
  /// Bytes of a key. A short one could be guessed.
  static let lengths = 20...256
  /// More keys than a file has: each costs a comparison at each request.
  static let keysMax = 1_000

  /// Reads and checks a file. No error text holds a key.
  package static func load(_ path: String) throws(SettingsError) -> [String] {
    try parse(FileContents.read(path, secret: true), file: path)
  }

  /// Checks the text of a file; `file` is its name for error texts.
  package static func parse(_ bytes: [UInt8], file: String) throws(SettingsError) -> [String] {
    var keys: [String] = []
    for line in SecretLine.all(of: bytes) {
      guard lengths.contains(line.text.utf8.count), line.isOneWord else {
        throw .malformed(
          file: file,
          reason: "line \(line.number): an API key has \(lengths.lowerBound) to "
            + "\(lengths.upperBound) characters of ASCII and no blanks")
      }
      let text = line.text
      // What begins so is read as a client secret, and would never be found here.
      guard !text.hasPrefix("ek_") else {
        throw .malformed(
          file: file, reason: "line \(line.number): ek_ is the beginning of client secrets")
      }
      keys.append(text)
    }
    guard (1...keysMax).contains(keys.count) else {
      throw .malformed(file: file, reason: "holds \(keys.count) API keys; 1 to \(keysMax) can be")
    }
    return keys
  }
}

/// A file of STUN and TURN servers that clients are told of: one a line, `URL` or
/// `URL,USER,CREDENTIAL`. Only its owner may be able to read it.
package enum IceServerFile {
  /// More servers than a client would try; each is a header field of every answer.
  package static let serversMax = 8
  /// Bytes of a line.
  static let lengthMax = 1_024

  /// Reads and checks a file; whether a line is a server is for others to say. No error text holds
  /// a credential.
  package static func load(
    _ path: String, isServer: (String) -> Bool
  ) throws(SettingsError) -> [String] {
    try parse(FileContents.read(path, secret: true), file: path, isServer: isServer)
  }

  /// Checks the text of a file; `file` is its name for error texts.
  package static func parse(
    _ bytes: [UInt8], file: String, isServer: (String) -> Bool
  ) throws(SettingsError) -> [String] {
    let lines = SecretLine.all(of: bytes)
    for line in lines where line.text.utf8.count > lengthMax || !isServer(line.text) {
      throw .malformed(
        file: file,
        reason: "line \(line.number): a server is stun:HOST, or turn:HOST,USERNAME,CREDENTIAL, in "
          + "ASCII without blanks and quotes")
    }
    guard (1...serversMax).contains(lines.count) else {
      throw .malformed(
        file: file, reason: "holds \(lines.count) servers; 1 to \(serversMax) can be")
    }
    return lines.map(\.text)
  }
}
