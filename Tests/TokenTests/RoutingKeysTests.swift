import Testing
import Token
import Wire

@Suite("Keys: what is wrong is named, what is secret is not shown")
struct RoutingKeysTests {
  private static let key = [UInt8](repeating: 0xA5, count: 16)

  private func error(_ body: () throws -> Void) -> RoutingKeysError? {
    do {
      try body()
      return nil
    } catch {
      return error as? RoutingKeysError
    }
  }

  @Test(arguments: ["", "é", "+", "/", "_", "-", " "].compactMap(\.first))
  func badNames(name: Character) {
    let keys = [name: Self.key]
    #expect(error { _ = try SealingKeys(keys: keys, minting: name) } == .badName(name))
  }

  @Test func badLengths() throws {
    #expect(
      error { _ = try SealingKeys(keys: ["a": [1, 2]], minting: "a") }
        == .badLength(key: "key a", bytes: 2, expected: 16))
    let good = TokenTests.keys()
    #expect(
      error {
        _ = try RoutingKeys(
          tokens: good.tokens, callIDs: good.callIDs, password: [], trunk: good.trunk)
      } == .badLength(key: "the password key", bytes: 0, expected: 32))
    #expect(
      error {
        _ = try RoutingKeys(
          tokens: good.tokens, callIDs: good.callIDs, password: good.password, trunk: [1])
      } == .badLength(key: "the trunk key", bytes: 1, expected: 16))
  }

  @Test func unknownMinting() {
    #expect(
      error { _ = try SealingKeys(keys: ["a": Self.key], minting: "b") } == .unknownMinting("b"))
    #expect(error { _ = try SealingKeys(keys: [:], minting: "b") } == .unknownMinting("b"))
  }

  @Test func oneKeyForTwoPurposes() {
    let good = TokenTests.keys()
    #expect(
      error {
        _ = try RoutingKeys(
          tokens: good.tokens, callIDs: good.tokens, password: good.password, trunk: good.trunk)
      } == .shared)
  }

  @Test func everyErrorIsASentenceWithoutAKey() {
    let errors: [RoutingKeysError] = [
      .badName("+"), .badLength(key: "key a", bytes: 2, expected: 16), .unknownMinting("b"),
      .shared, .notHexadecimal,
    ]
    for error in errors { #expect(error.description.count > 20) }
  }

  @Test func descriptionsHideKeys() throws {
    let keys = try SealingKeys(keys: ["a": Self.key], minting: "a")
    for text in [keys.description, "\(keys)", String(reflecting: keys)] {
      #expect(!text.contains("165"))
    }
    var dumped = ""
    dump(TokenTests.keys(), to: &dumped)
    #expect(!dumped.contains("UInt8"))
    #expect(dumped.count < 200)
  }

  @Test func generatedKeysDiffer() {
    let keys = TokenTests.keys(seed: 1)
    #expect(keys != TokenTests.keys(seed: 2))
    #expect(keys.tokens.keys["a"] != keys.callIDs.keys["a"])
    #expect(keys.trunk != Array(keys.password.prefix(16)))
  }

  @Test func keyText() throws {
    #expect(try KeyText.bytes("00ffA5") == [0, 0xFF, 0xA5])
    #expect(KeyText.text([0, 0xFF, 0xA5]) == "00ffa5")
    for bad in ["0", "0g", "+1", "０0", "a5 "] {
      #expect(error { _ = try KeyText.bytes(bad) } == .notHexadecimal, "\(bad)")
    }
  }
}
