import Launcher
import Settings
import Testing

@Suite struct UpHelpTests {
  /// `tools/run` reads its options from there, before anything is built.
  @Test func theHelpInTheTreeIsWhatTheProgramSays() throws {
    let tree = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let kept = try FileContents.read("/\(tree)/tools/up-help.txt")
    #expect(
      String(decoding: kept, as: UTF8.self) == UpSettings.command.helpText,
      "run: swift run martlet up --help > tools/up-help.txt")
  }
}
