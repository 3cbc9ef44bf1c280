/// One program or subcommand: its name, what it is for, and the settings it takes.
package struct Command: Sendable {
  /// As it is typed: `martlet-relay`, `martlet up`.
  package let name: String
  /// One sentence: what the program does.
  package let summary: String
  /// Words after the options (`FILE...`), or nil when there are none.
  let operands: String?
  /// Paragraphs after the options in the help text.
  let notes: [String]
  let declarations: [Declaration]
  let conflict: @Sendable (ParsedSettings) -> String?

  /// Every command has `--config`, `--help` and `--version` beside the given declarations.
  /// `conflict` says why settings that are each right do not go together; nil when they do.
  package init(
    _ name: String, summary: String, operands: String? = nil, notes: [String] = [],
    declarations: [Declaration],
    conflict: @escaping @Sendable (ParsedSettings) -> String? = { _ in nil }
  ) {
    let names = declarations.map(\.name)
    precondition(Set(names).count == names.count, "\(name) declares a setting twice")
    self.name = name
    self.summary = summary
    self.operands = operands
    self.notes = notes
    self.declarations = declarations
    self.conflict = conflict
  }

  /// What the arguments ask for.
  package enum Outcome: Sendable {
    /// Do the work with these settings.
    case run(ParsedSettings)
    /// Print this text and end well (`--help`, `--version`).
    case answer(String)
  }

  /// Reads the arguments (without the program's own name) and the configuration file they name.
  /// What the command line says replaces what the file says, list settings as a whole.
  ///
  /// Accepted: `--name value`, `--name=value`, `--flag`, `--flag=false`, `--` before operands.
  package func parse(_ arguments: [String]) throws(SettingsError) -> Outcome {
    var line = ArgumentReader(command: self)
    for argument in arguments { try line.take(argument) }
    try line.finish()
    if line.wantsHelp { return .answer(helpText) }
    if line.wantsVersion { return .answer("\(name) \(ProductVersion.text)\n") }
    var texts: [String: [String]] = [:]
    if let file = line.configurationFile {
      texts = try ConfigurationFile.texts(
        FileContents.read(file), file: file, declarations: declarations)
    }
    texts.merge(line.texts) { _, typed in typed }
    let settings = ParsedSettings(command: self, texts: texts, operands: line.operands)
    if let sentence = conflict(settings) { throw .conflict(sentence) }
    return .run(settings)
  }
}

/// The settings a program was given, each one checked.
package struct ParsedSettings: Sendable {
  private let declared: Set<String>
  private let texts: [String: [String]]
  /// The words after the options.
  package let operands: [String]

  init(command: Command, texts: [String: [String]], operands: [String]) {
    declared = Set(command.declarations.map(\.name))
    self.texts = texts
    self.operands = operands
  }

  /// The value of `setting`, its default when it was not given. Asking for a setting that the
  /// command does not declare is our own mistake.
  package subscript<Value: Sendable>(setting: Setting<Value>) -> Value {
    let name = setting.declaration.name
    precondition(declared.contains(name), "--\(name) is not declared by this command")
    return setting.value(texts[name] ?? [])
  }

  /// Whether the setting was given, on the command line or in the file.
  package func isGiven<Value: Sendable>(_ setting: Setting<Value>) -> Bool {
    texts[setting.declaration.name] != nil
  }
}

/// The version of all programs; they are released together.
package enum ProductVersion {
  /// What `--version` prints behind the name of the program.
  package static let text = "0.1.0"
}
