extension Command {
  /// What `--help` prints.
  package var helpText: String {
    var text = HelpText.paragraph("\(name): \(summary)") + "\n"
    text += "Usage: \(name) [options]" + (operands.map { " \($0)" } ?? "") + "\n\nOptions:\n"
    for declaration in declarations { text += declaration.helpText }
    text += HelpText.row("--config FILE", "JSON file with any of these settings by name")
    text += HelpText.row("--help", "print this")
    text += HelpText.row("--version", "print the version")
    for note in notes { text += "\n" + HelpText.paragraph(note) }
    return text
  }
}

extension Declaration {
  fileprivate var helpText: String {
    let usage = "--\(name)" + (placeholder.isEmpty ? "" : " \(placeholder)")
    var details: [String] = []
    if !defaults.isEmpty { details.append("default \(defaults.joined(separator: ", "))") }
    if arity == .many { details.append("may be repeated") }
    let suffix = details.isEmpty ? "" : " (\(details.joined(separator: "; ")))"
    return HelpText.row(usage, help + suffix)
  }
}

/// Text for a terminal of 80 columns.
package enum HelpText {
  private static let columns = 80
  private static let secondColumn = 30

  /// A paragraph with its line end.
  package static func paragraph(_ text: String) -> String {
    lines(text, columns: columns).joined(separator: "\n") + "\n"
  }

  /// What is typed, and what it does, in two columns with at least two blanks between them; what
  /// does not fit the first gets a line of its own.
  package static func row(_ usage: String, _ help: String) -> String {
    let indented = "  " + usage
    let blank = String(repeating: " ", count: secondColumn)
    let first =
      indented.count + 2 <= secondColumn
      ? indented + blank.dropFirst(indented.count) : indented + "\n" + blank
    return first
      + lines(help, columns: columns - secondColumn).joined(separator: "\n" + blank) + "\n"
  }

  /// Words stay whole, however long they are.
  private static func lines(_ text: String, columns: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= columns {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
