import Json
import Testing

@Suite struct JsonValueTests {
  private func parse(_ text: String) throws -> JsonValue {
    try JsonValue.parse(Array(text.utf8))
  }

  @Test func everyKindIsRead() throws {
    let value = try parse(#"{"a": [1, 2.5, "x\u00e9y", true, false, null], "b": {}}"#)
    #expect(
      value["a"]
        == .array([.integer(1), .real(2.5), .text("xéy"), .boolean(true), .boolean(false), .null]))
    #expect(value["b"] == .object([]))
    #expect(value["c"] == nil)
  }

  @Test func aTextCutAnywhereIsRefusedAndNeverTraps() throws {
    let whole = Array(#"{"k": {"A": "00ff", "n": [1, -2.5e3, "é"]}, "t": true}"#.utf8)
    for length in 0..<whole.count {
      #expect(throws: JsonDefect.self) {
        _ = try JsonValue.parse(Array(whole[..<length]))
      }
    }
    #expect(try JsonValue.parse(whole)["t"] == .boolean(true))
  }

  @Test func aTextWithAZeroByteIsRefused() {
    #expect(throws: JsonDefect.self) { _ = try parse(#"{"path": "a\u0000b"}"#) }
  }

  @Test func deepNestingIsRefused() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JsonDefect.self) { _ = try parse(deep) }
  }
}
