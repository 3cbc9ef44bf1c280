import Deployment
import Glibc
import Settings
import Testing
import Token
import Wire

@Suite struct KeyFileTests {
  private func keys() -> RoutingKeys {
    var random = SystemRandomNumberGenerator()
    return RoutingKeys.generate(random: &random)
  }

  private func parse(_ text: String) throws -> RoutingKeys {
    try KeyFile.parse(Array(text.utf8), file: "keys.json")
  }

  @Test func whatIsWrittenIsRead() throws {
    let keys = keys()
    #expect(try parse(KeyFile.text(keys)) == keys)
  }

  @Test(arguments: [
    ("\"password\"", "\"pasword\"", "keys.json has no setting \"pasword\""),
    ("\"trunk\": \"", "\"trunk\": \"00", "the trunk key has 17 bytes; it must have 16"),
    ("\"trunk\": \"", "\"trunk\": \"xy", "\"trunk\": a key is written in pairs of hexadecimal"),
    ("\"minting\": \"1\"", "\"minting\": \"2\"", "there is no key \"2\" to mint with"),
    ("\"minting\": \"1\"", "\"minting\": 1", "needs \"minting\" (one character)"),
    ("{\"1\": \"", "{\"1\": \"00", "key 1 has 17 bytes; it must have 16"),
  ])
  func mistakesAreNamed(original: String, replacement: String, part: String) {
    let text = KeyFile.text(keys()).replacingFirst(original, with: replacement)
    let error = #expect(throws: SettingsError.self) { _ = try parse(text) }
    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
  }

  /// A disk that is full: here a limit on the length of files.
  @Test func halfAKeyFileDoesNotStay() async {
    await #expect(processExitsWith: .success) {
      let path = "/tmp/martlet-keys-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 8, rlim_max: 8)
      guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else {
        exit(1)
      }
      do {
        try SecretFile.create(path, text: "more than eight bytes")
        exit(2)
      } catch {
        let isGone = unsafe access(path, F_OK) != 0
        exit("\(error)".contains("cannot write") && isGone ? 0 : 3)
      }
    }
  }

  @Test func noErrorHoldsAKey() {
    let keys = keys()
    let secret = KeyText.text(keys.trunk)
    for length in 0..<KeyFile.text(keys).utf8.count - 2 {
      do {
        _ = try KeyFile.parse(Array(KeyFile.text(keys).utf8.prefix(length)), file: "keys.json")
        Issue.record("a key file cut at \(length) was accepted")
      } catch {
        #expect(!"\(error)".contains(secret))
      }
    }
  }

  @Test func directoryEntriesAreReadBack() {
    let entry = DirectoryEntry("258.7=[2001:db8::1]:4000")
    #expect(entry?.transceiver.node == 258)
    #expect(entry?.transceiver.shard == 7)
    #expect(entry.flatMap { DirectoryEntry($0.text) } == entry)
    for text in ["", "1=1.2.3.4:5", "1.256=1.2.3.4:5", "1.2=", "1.2=nowhere", "1.2.3=1.2.3.4:5"] {
      #expect(DirectoryEntry(text) == nil)
    }
  }
}

extension String {
  /// The text with the first `part` replaced; `part` must be there.
  fileprivate func replacingFirst(_ part: String, with other: String) -> String {
    let sides = split(separator: part, maxSplits: 1, omittingEmptySubsequences: false)
    precondition(sides.count == 2, "\(part) is not in the text")
    return sides[0] + other + sides[1]
  }
}
