import Settings
import Testing

@testable import Bench

@Suite struct VoiceBenchTests {
  private static func words(_ arguments: String...) throws -> [String] {
    guard case .run(let settings) = try VoiceBenchSettings.command.parse(arguments) else {
      throw BenchFailure("no run")
    }
    return VoiceBench(settings).words
  }

  @Test func whatIsNotGivenIsLeftToTheProgram() throws {
    let words = try Self.words()
    #expect(words.count == 2 && words[0] == "--programs")
    #expect(words[1].hasPrefix("/") && !words[1].hasSuffix("/"))
  }

  @Test func whatIsGivenIsHandedOn() throws {
    let words = try Self.words(
      "--networks", "clean,cap40", "--clients=red+nack", "--seeds", "2", "--quick", "--json",
      "--listen", "out", "--sources", "elsewhere")
    #expect(
      words.dropFirst(2) == [
        "--networks", "clean,cap40", "--clients", "red+nack", "--listen", "out", "--seeds", "2",
        "--quick", "--json",
      ])
  }

  @Test(arguments: [
    ["--networks", "loss7"], ["--networks", "clean,"], ["--networks", "clean,clean"],
    ["--servers", "pion"], ["--clients", "rednack"], ["--directions", "left"], ["--seeds", "0"],
    ["--seconds", "4"], ["--calls-at-once", "17"], ["--listen", ""], ["--slow"], ["more"],
  ])
  func mistakesAreRefused(_ arguments: [String]) {
    #expect(throws: SettingsError.self) { try VoiceBenchSettings.command.parse(arguments) }
  }

  @Test func theFolderOfTheSourcesIsLookedAt() {
    #expect(throws: BenchFailure.self) { try Toolbox.sources("/nowhere") }
  }
}
