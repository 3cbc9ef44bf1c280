/// What every setting has, whatever the type of its value: the part that parsing and help need.
package struct Declaration: Sendable {
  /// How often a setting may be given, and whether a value follows its name.
  enum Arity: Sendable { case one, many, flag }

  let name: String
  let arity: Arity
  let placeholder: String
  let expected: String
  let defaults: [String]
  let help: String
  let accepts: @Sendable (String) -> Bool
}

/// One setting of a program: on the command line `--name`, in a configuration file `"name"`.
///
/// The declaration is the only place that knows the name, the accepted texts, the default and the
/// help; the program reads the typed value with it: `settings[workers]`.
package struct Setting<Value: Sendable>: Sendable {
  /// For the `declarations` of each command that reads the setting.
  package let declaration: Declaration
  /// As it is typed, without the dashes before it.
  package var name: String { declaration.name }
  /// The value of the accepted texts, in the order given; none when the setting was not given.
  let value: @Sendable ([String]) -> Value

  private init<Element: Sendable>(
    _ name: String, _ kind: ValueKind<Element>, _ arity: Declaration.Arity, _ defaults: [String],
    _ help: String, value: @escaping @Sendable ([String]) -> Value
  ) {
    precondition(defaults.allSatisfy { kind.read($0) != nil }, "default of --\(name) is refused")
    declaration = Declaration(
      name: name, arity: arity, placeholder: kind.placeholder, expected: kind.expected,
      defaults: defaults, help: help, accepts: { kind.read($0) != nil })
    self.value = value
  }
}

extension Setting {
  /// A setting with one value, and `standard` (in the form it is typed) when it is not given.
  package static func value(
    _ name: String, _ kind: ValueKind<Value>, default standard: String, help: String
  ) -> Setting {
    Setting(name, kind, .one, [standard], help) { texts in
      guard let value = kind.read(texts.last ?? standard) else {
        preconditionFailure("--\(name) was accepted and cannot be read")
      }
      return value
    }
  }

  /// A setting with one value or none.
  package static func optional<Element: Sendable>(
    _ name: String, _ kind: ValueKind<Element>, help: String
  ) -> Setting where Value == Element? {
    Setting(name, kind, .one, [], help) { texts in texts.last.flatMap(kind.read) }
  }

  /// A setting that may be repeated (an array in a configuration file).
  package static func list<Element: Sendable>(
    _ name: String, _ kind: ValueKind<Element>, default standard: [String] = [], help: String
  ) -> Setting where Value == [Element] {
    Setting(name, kind, .many, standard, help) { texts in
      (texts.isEmpty ? standard : texts).compactMap(kind.read)
    }
  }
}

extension Setting where Value == Bool {
  /// A switch, off when it is not given.
  package static func flag(_ name: String, help: String) -> Setting {
    Setting(name, .flag, .flag, [], help) { texts in texts.last == "true" }
  }
}
