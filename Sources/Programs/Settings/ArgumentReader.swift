/// Takes a command line word by word.
struct ArgumentReader {
  private let command: Command
  /// The option that still waits for its value.
  private var pending: Declaration?
  private var operandsOnly = false
  private(set) var texts: [String: [String]] = [:]
  private(set) var operands: [String] = []
  private(set) var configurationFile: String?
  private(set) var wantsHelp = false
  private(set) var wantsVersion = false

  private static let configuration = Setting<String?>.optional(
    "config", .file, help: "JSON file with any of these settings, by the same names"
  ).declaration

  init(command: Command) { self.command = command }

  mutating func take(_ argument: String) throws(SettingsError) {
    if let declaration = pending, !argument.hasPrefix("--") {
      pending = nil
      return try store(argument, for: declaration)
    }
    try finish()
    if operandsOnly || !argument.hasPrefix("-") { return try takeOperand(argument) }
    switch argument {
    case "--": operandsOnly = true
    case "--help", "-h": wantsHelp = true
    case "--version": wantsVersion = true
    default: try takeOption(argument)
    }
  }

  /// To be called after the last word.
  func finish() throws(SettingsError) {
    guard let pending else { return }
    throw .missingValue(origin: "--\(pending.name)", expected: pending.expected)
  }

  private mutating func takeOption(_ argument: String) throws(SettingsError) {
    let parts = argument.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    let all = command.declarations + [Self.configuration]
    guard argument.hasPrefix("--"), let declaration = all.first(where: { $0.name == name }) else {
      let nearest = nearestName(to: name, among: all.map(\.name) + ["help", "version"])
      throw .unknown(
        origin: nil, name: argument.hasPrefix("--") ? "--" + name : argument,
        nearest: nearest.map { "--" + $0 })
    }
    if parts.count == 2 {
      try store(String(parts[1]), for: declaration)
    } else if declaration.arity == .flag {
      try store("true", for: declaration)
    } else {
      pending = declaration
    }
  }

  private mutating func takeOperand(_ word: String) throws(SettingsError) {
    guard command.operands != nil else { throw .unexpectedOperand(word) }
    operands.append(word)
  }

  private mutating func store(
    _ text: String, for declaration: Declaration
  ) throws(SettingsError) {
    let origin = "--\(declaration.name)"
    guard declaration.accepts(text) else {
      throw .badValue(origin: origin, value: text, expected: declaration.expected)
    }
    if declaration.name == Self.configuration.name {
      guard configurationFile == nil else { throw .repeated(origin: origin) }
      configurationFile = text
      return
    }
    if declaration.arity != .many && texts[declaration.name] != nil {
      throw .repeated(origin: origin)
    }
    texts[declaration.name, default: []].append(text)
  }
}
