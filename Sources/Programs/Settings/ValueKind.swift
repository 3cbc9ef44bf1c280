/// What texts a setting accepts, and the value that each of them stands for.
package struct ValueKind<Value: Sendable>: Sendable {
  /// How the value is called in the help text: `--workers N`.
  package let placeholder: String
  /// What to say when a text is refused: "a whole number from 1 to 64".
  package let expected: String
  /// The value of a text; nil refuses it.
  package let read: @Sendable (String) -> Value?

  /// `read` is asked once to check a text and again for each use of its value: it must give the
  /// same each time, on any thread.
  package init(
    _ placeholder: String, expected: String, read: @escaping @Sendable (String) -> Value?
  ) {
    self.placeholder = placeholder
    self.expected = expected
    self.read = read
  }
}

extension ValueKind where Value == Int {
  /// A whole decimal number inside `range`, both ends allowed.
  package static func integer(_ range: ClosedRange<Int>) -> ValueKind {
    ValueKind("N", expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
      guard let number = Int($0), range.contains(number) else { return nil }
      return number
    }
  }
}

extension ValueKind where Value == String {
  /// Any text that is not empty.
  package static func text(_ placeholder: String) -> ValueKind {
    ValueKind(placeholder, expected: "a text that is not empty") { $0.isEmpty ? nil : $0 }
  }

  /// The path of a file; whether it can be read shows when it is read.
  package static var file: ValueKind {
    ValueKind("FILE", expected: "the path of a file") { $0.isEmpty ? nil : $0 }
  }

  /// One of the given words. Many of them are called NAME in the help text, and told by the text
  /// around it.
  package static func choice(_ words: [String]) -> ValueKind {
    let list = words.joined(separator: "|")
    let placeholder = list.utf8.count <= 48 ? list : "NAME"
    return ValueKind(placeholder, expected: "one of \(words.joined(separator: ", "))") {
      words.contains($0) ? $0 : nil
    }
  }
}

extension ValueKind where Value == Bool {
  /// On or off, as a configuration file or `--name=false` says it.
  static var flag: ValueKind {
    ValueKind("", expected: "true or false") {
      switch $0 {
      case "true": true
      case "false": false
      default: nil
      }
    }
  }
}
