import Deployment
import Glibc
import Launcher
import Settings
import Testing
import Token
import Wire

@Suite struct PassedKeysTests {
  @Test func theKeysAreReadByPathAsOftenAsThereArePrograms() throws {
    var random = SeededRandom(seed: 5)
    let keys = RoutingKeys.generate(random: &random)
    let passed = try PassedKeys(keys)
    for _ in 0..<2 {
      #expect(KeyFile.text(try KeyFile.load(passed.path)) == KeyFile.text(keys))
    }
  }

  @Test func afterwardsNobodyReadsThem() throws {
    var random = SeededRandom(seed: 5)
    let passed = try PassedKeys(RoutingKeys.generate(random: &random))
    // What a program inherited.
    let other = unsafe open(passed.path, O_RDONLY | O_CLOEXEC)
    defer { close(other) }
    var byte: UInt8 = 0
    #expect(unsafe read(other, &byte, 1) == 1)
    _ = consume passed
    #expect(unsafe read(other, &byte, 1) == 0)
  }
}
