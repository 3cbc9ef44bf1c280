/// Why a command line, a configuration file or a key file cannot be used.
package enum SettingsError: Error, Equatable, CustomStringConvertible {
  /// No setting has this name, in a file or (`origin` nil) on the command line; `nearest` is the
  /// declared name most like it, if any is.
  case unknown(origin: String?, name: String, nearest: String?)
  /// The name came without the value that it needs.
  case missingValue(origin: String, expected: String)
  /// The value is not one that the setting accepts.
  case badValue(origin: String, value: String, expected: String)
  /// A setting that takes one value was given twice.
  case repeated(origin: String)
  /// Settings that are each right do not go together: a sentence.
  case conflict(String)
  /// A word that is no option, where the program takes none.
  case unexpectedOperand(String)
  /// The file cannot be read: the reason in the system's words.
  case unreadable(file: String, reason: String)
  /// The file is not the JSON that it should be.
  case malformed(file: String, reason: String)
  /// The file holds secrets and others than its owner may read it; `mode` is in octal.
  case exposed(file: String, mode: String)

  /// One sentence for the person who typed it.
  package var description: String {
    switch self {
    case .unknown(let origin, let name, let nearest):
      (origin.map { "\($0) has no setting" } ?? "there is no option") + " \"\(name)\""
        + Self.suggestion(nearest)
    case .missingValue(let origin, let expected): "\(origin) needs a value: \(expected)"
    case .badValue(let origin, let value, let expected):
      "\(origin) must be \(expected), not \"\(value)\""
    case .repeated(let origin): "\(origin) is given twice"
    case .conflict(let sentence): sentence
    case .unexpectedOperand(let word): "\"\(word)\" is not expected here"
    case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
    case .malformed(let file, let reason): "\(file): \(reason)"
    case .exposed(let file, let mode):
      "\(file) holds secret keys and has mode \(mode): nobody but its owner may read it "
        + "(chmod 600 \(file))"
    }
  }

  /// The end of a sentence about a name that is not known.
  package static func suggestion(_ nearest: String?) -> String {
    nearest.map { "; did you mean \"\($0)\"?" } ?? ""
  }
}
