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

  /// A hundred thousand of everything: what grew with the square of a length would not end.
  @Test func `long texts are read, in every direction of long`() throws {
    let count = 100_000
    let numbers = try parse("[" + String(repeating: "1,", count: count) + "1]")
    #expect(numbers == .array(Array(repeating: .integer(1), count: count + 1)))
    let members = (0..<count).map { "\"name \($0)\":\($0)" }.joined(separator: ",")
    #expect(try parse("{\(members)}")["name 99999"] == .integer(99_999))
    let smiles = try parse("\"" + String(repeating: "\\ud83d\\ude00", count: count) + "\"")
    #expect(smiles.text == String(repeating: "😀", count: count))
    let third = try parse("0." + String(repeating: "3", count: count))
    #expect(third == .real(1.0 / 3))
    #expect(try parse("[" + String(repeating: " \n", count: count) + "]") == .array([]))
    let open = #expect(throws: JsonDefect.self) {
      try parse("[" + String(repeating: "\n[],", count: count))
    }
    #expect(open?.description == "line 100001: ']' expected near end of file")
  }

  /// Swift takes the two for equal, and a client that compares bytes does not (section 8.3).
  @Test func `keys that only look alike are two`() throws {
    let value = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    guard case .object(let members) = value else { return #expect(Bool(false)) }
    #expect(members.map(\.value) == [.integer(1), .integer(2)])
    #expect(throws: JsonDefect.self) { try parse("{\"a\": 1, \"\\u0061\": 2}") }
  }

  @Test(arguments: [
    ("[1, 2", "line 1: ']' expected near end of file"),
    ("{\n  \"http\": 127.0.0.1\n}", "line 2: '}' expected near '.'"),
    ("{\n  \"http\": localhost\n}", "line 2: invalid token near 'localhost'"),
    ("{\n  \"http\": \"x\",\n}", "line 3: string or '}' expected near '}'"),
    ("{\"k\": \"00112233445566778899aabbccddeeff", "line 1: premature end of input"),
  ])
  func `the words that operators know`(text: String, expected: String) {
    let defect = #expect(throws: JsonDefect.self) { try parse(text) }
    #expect(defect?.description == expected)
  }
}
