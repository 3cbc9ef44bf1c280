import Settings
import Testing

/// A command with one setting of each kind.
private enum Sample {
  static let workers = Setting.value("workers", .integer(1...64), default: "1", help: "threads")
  static let backend = Setting.value(
    "backend", .choice(["echo", "parrot"]), default: "echo", help: "b")
  static let media = Setting.list("media", .text("ADDR"), default: ["127.0.0.1:3478"], help: "m")
  static let keys = Setting<String?>.optional("keys", .file, help: "key file")
  static let quiet = Setting.flag("quiet", help: "say less")
  static let command = Command(
    "sample", summary: "a sample.",
    declarations: [
      workers.declaration, backend.declaration, media.declaration, keys.declaration,
      quiet.declaration,
    ])

  static func settings(_ arguments: String...) throws -> ParsedSettings {
    guard case .run(let settings) = try command.parse(arguments) else {
      throw SettingsError.unexpectedOperand("an answer instead of settings")
    }
    return settings
  }
}

@Suite struct CommandTests {
  @Test func defaultsHoldWhenNothingIsGiven() throws {
    let settings = try Sample.settings()
    #expect(settings[Sample.workers] == 1)
    #expect(settings[Sample.backend] == "echo")
    #expect(settings[Sample.media] == ["127.0.0.1:3478"])
    #expect(settings[Sample.keys] == nil)
    #expect(!settings[Sample.quiet])
    #expect(!settings.isGiven(Sample.workers))
  }

  @Test func bothSpellingsOfAValueAreRead() throws {
    let settings = try Sample.settings(
      "--workers", "3", "--backend=parrot", "--media", "a", "--media=b", "--quiet")
    #expect(settings[Sample.workers] == 3)
    #expect(settings[Sample.backend] == "parrot")
    #expect(settings[Sample.media] == ["a", "b"])
    #expect(settings[Sample.quiet])
    #expect(settings.isGiven(Sample.workers))
  }

  @Test func aFlagCanBeSwitchedOff() throws {
    #expect(try !Sample.settings("--quiet=false")[Sample.quiet])
  }

  @Test(arguments: [
    (["--wokers", "3"], "there is no option \"--wokers\"; did you mean \"--workers\"?"),
    (["--zzzzzz"], "there is no option \"--zzzzzz\""),
    (["-w"], "there is no option \"-w\""),
    (["--workers"], "--workers needs a value: a whole number from 1 to 64"),
    (["--workers", "--quiet"], "--workers needs a value: a whole number from 1 to 64"),
    (["--workers", "65"], "--workers must be a whole number from 1 to 64, not \"65\""),
    (["--workers=many"], "--workers must be a whole number from 1 to 64, not \"many\""),
    (["--backend", "song"], "--backend must be one of echo, parrot, not \"song\""),
    (["--workers", "1", "--workers", "2"], "--workers is given twice"),
    (["up"], "\"up\" is not expected here"),
  ])
  func mistakesAreNamed(arguments: [String], sentence: String) {
    let error = #expect(throws: SettingsError.self) { _ = try Sample.command.parse(arguments) }
    #expect(error?.description == sentence)
  }

  @Test func settingsThatDoNotGoTogetherAreRefused() throws {
    let command = Command(
      "sample", summary: "s", declarations: [Sample.keys.declaration, Sample.quiet.declaration],
      conflict: { $0[Sample.quiet] && $0[Sample.keys] != nil ? "--quiet goes alone" : nil })
    #expect(throws: SettingsError.conflict("--quiet goes alone")) {
      try command.parse(["--quiet", "--keys", "k"])
    }
    for arguments in [["--quiet"], ["--keys", "k"], []] { _ = try command.parse(arguments) }
  }

  @Test func longHelpIsWrapped() {
    let help = "word " + String(repeating: "more words ", count: 12)
    let row = HelpText.row("--some-option WITH|MANY|CHOICES", help)
    let lines = row.split(separator: "\n").map(String.init)
    #expect(lines.first == "  --some-option WITH|MANY|CHOICES")
    #expect(lines.count == 4)
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(String(repeating: " ", count: 30)) })
    #expect(lines.allSatisfy { $0.count <= 80 })
    let long = String(repeating: "x", count: 100)
    #expect(HelpText.paragraph("a \(long) b") == "a\n\(long)\nb\n")
  }

  @Test func operandsFollowTheOptions() throws {
    let command = Command("sample", summary: "s", operands: "TOKEN...", declarations: [])
    guard case .run(let settings) = try command.parse(["a", "--", "--b"]) else {
      Issue.record("no settings")
      return
    }
    #expect(settings.operands == ["a", "--b"])
  }

  @Test func helpNamesEverySetting() throws {
    guard case .answer(let help) = try Sample.command.parse(["--help"]) else {
      Issue.record("no help")
      return
    }
    for part in ["--workers N", "--backend echo|parrot", "--config FILE", "default 127.0.0.1:3478"]
    {
      #expect(help.contains(part))
    }
    #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
    guard case .answer(let version) = try Sample.command.parse(["--version"]) else {
      Issue.record("no version")
      return
    }
    #expect(version == "sample \(ProductVersion.text)\n")
  }
}
