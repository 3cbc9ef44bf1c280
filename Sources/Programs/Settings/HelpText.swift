extension Command {
  /// What `--help` prints.
  package var helpText: String {
    var text = "\(name): \(summary)\n\n"
    text += "Usage: \(name) [options]" + (operands.map { " \($0)" } ?? "") + "\n\nOptions:\n"
    for declaration in declarations { text += declaration.helpText }
    text += Declaration.helpText("--config FILE", "JSON file with any of these settings by name")
    text += Declaration.helpText("--help", "print this")
    text += Declaration.helpText("--version", "print the version")
    for note in notes { text += "\n\(note)\n" }
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
    return Self.helpText(usage, help + suffix)
  }

  /// Two columns; a usage that does not fit its column gets a line of its own.
  fileprivate static func helpText(_ usage: String, _ help: String) -> String {
    let column = 30
    let indented = "  " + usage
    let padding =
      indented.count < column
      ? String(repeating: " ", count: column - indented.count)
      : "\n" + String(repeating: " ", count: column)
    return indented + padding + help + "\n"
  }
}
