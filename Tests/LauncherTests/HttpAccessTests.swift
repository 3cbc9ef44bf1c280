import Deployment
import Launcher
import Settings
import Testing
import Wire

@Suite struct HttpAccessTests {
  private func plan(_ arguments: String...) throws -> UpPlan {
    guard case .run(let settings) = try UpSettings.command.parse(arguments) else {
      throw SettingsError.unexpectedOperand("an answer instead of settings")
    }
    return UpPlan(settings, keyFile: "/run/keys.json", trunkPort: 20_000, machine: [])
  }

  @Test(arguments: ["0.0.0.0:80", "10.0.0.5:80", "[::]:80", "[2001:db8::1]:80", "126.0.0.1:80"])
  func anOpenApiStaysOnTheMachine(address: String) throws {
    let error = #expect(throws: SettingsError.self) { try plan("--http", address) }
    let sentence = error?.description ?? ""
    #expect(sentence.contains("--api-keys FILE") && sentence.contains("--no-auth"))
    #expect(try plan("--http", address, "--no-auth").transceiver.contains("--no-auth"))
    let keyed = try plan("--http", address, "--api-keys", "/etc/keys").transceiver
    #expect(keyed.contains("--api-keys") && keyed.contains("/etc/keys"))
  }

  @Test(arguments: ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80"])
  func theLoopbackNeedsNoKey(address: String) throws {
    #expect(try !plan("--http", address).transceiver.contains("--no-auth"))
  }

  @Test func anOpenApiWithMediaOnLoopbackIsSaid() throws {
    let loopback = try #require(TransportAddress("127.0.0.1:3478"))
    let sixth = try #require(TransportAddress("[::1]:3478"))
    let card = try #require(TransportAddress("10.0.0.5:3478"))
    let all = try #require(TransportAddress("0.0.0.0:8080"))
    let sentence = HttpAccess.silentCallers(http: all, candidates: [loopback, sixth])
    #expect(sentence?.contains("--http 0.0.0.0:8080 is for other machines") == true)
    #expect(sentence?.contains("127.0.0.1:3478, [::1]:3478") == true)
    #expect(HttpAccess.silentCallers(http: all, candidates: [loopback, card]) == nil)
    #expect(HttpAccess.silentCallers(http: loopback, candidates: [loopback]) == nil)
  }

  @Test func bothAtOnceContradict() {
    #expect(throws: SettingsError.self) { try plan("--no-auth", "--api-keys", "/etc/keys") }
  }

  @Test func namesAreForWhereNobodyIsAskedForAKey() throws {
    let words = try plan("--http-name", "voice.example", "--http-name", "[::5]").transceiver
    #expect(words.contains("voice.example") && words.contains("[::5]"))
    for more in [["--no-auth"], ["--api-keys", "/etc/keys"]] {
      #expect(throws: SettingsError.self) {
        guard
          case .run(let settings) = try UpSettings.command.parse(
            ["--http-name", "voice.example"] + more)
        else { return }
        _ = UpPlan(settings, keyFile: "/run/keys.json", trunkPort: 20_000, machine: [])
      }
    }
    for text in ["voice.example:80", "http://voice.example", "a b", "", "::5"] {
      #expect(throws: SettingsError.self) { try plan("--http-name", text) }
    }
  }

  private func keys(_ text: String) throws -> [String] {
    try ApiKeyFile.parse(Array(text.utf8), file: "keys.txt")
  }

  @Test func aFileOfKeysIsRead() throws {
    let text = "# of the web shop\n  sk-0123456789abcdefghi \r\n\n\tsk-9876543210abcdefghi"
    #expect(try keys(text) == ["sk-0123456789abcdefghi", "sk-9876543210abcdefghi"])
  }

  @Test(arguments: [
    ("", "holds 0 API keys"), ("# nothing\n", "holds 0 API keys"),
    ("sk-short", "line 1: an API key has 20 to 256 characters"),
    ("\nsk-0123456789 abcdefghi", "line 2: an API key"),
    ("sk-0123456789abcdéfghijk", "line 1: an API key"),
    ("ek_0123456789abcdefghijk", "line 1: ek_ is the beginning"),
  ])
  func mistakesAreNamedWithoutTheKey(text: String, part: String) throws {
    let error = #expect(throws: SettingsError.self) { try keys(text) }
    let sentence = error?.description ?? ""
    #expect(sentence.contains(part), "\(sentence)")
    #expect(!sentence.contains("0123456789"))
  }

  @Test func aCredentialStaysOffTheCommandLine() throws {
    let error = #expect(throws: SettingsError.self) {
      try plan("--ice-server", "turn:turn.example,bob,top-secret")
    }
    let sentence = error?.description ?? ""
    #expect(sentence.contains("--ice-server-file") && !sentence.contains("top-secret"))
    let words = try plan("--ice-server", "stun:stun.example", "--ice-server-file", "/etc/ice")
      .transceiver
    #expect(words.contains("stun:stun.example") && words.contains("/etc/ice"))
  }

  private func servers(_ text: String) throws -> [String] {
    try IceServerFile.parse(Array(text.utf8), file: "ice.txt") { $0.hasPrefix("turn:") }
  }

  @Test func aFileOfServersIsRead() throws {
    let text = "# ours\n turn:a,bob,top-secret \r\n\nturn:b\n"
    #expect(try servers(text) == ["turn:a,bob,top-secret", "turn:b"])
  }

  @Test(arguments: [
    "", "# nothing\n", "http://a,bob,top-secret",
    "turn:a,bob,top-secret" + String(repeating: "x", count: 1_100),
    String(repeating: "turn:a,bob,top-secret\n", count: 9),
  ])
  func mistakesInServersAreNamedWithoutTheCredential(text: String) {
    let error = #expect(throws: SettingsError.self) { try servers(text) }
    let sentence = error?.description ?? ""
    #expect(sentence.hasPrefix("ice.txt: ") && !sentence.contains("top-secret"))
  }
}
