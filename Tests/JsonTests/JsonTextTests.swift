import Json
import Testing

/// What is found in objects, where. What is accepted at all: `JudgedByJanssonTests`.
@Suite struct JsonTextTests {
  static let samples = [
    #"{}"#, #" { } "#, #"{"a":1}"#, #"{"type":"x","delta":"AAAA","n":[1,-2.5e3,{"é":null}]}"#,
    #"{"a":{"b":{"c":[[],{},[{}]]}},"t":true,"f":false,"z":null}"#,
    #"{"text":"a\"b\\c\/d\b\f\n\r\t\u00e9 \ud83d\ude00 naïve 漢字 😀"}"#,
    #"{"a":0,"b":-0,"c":1e5,"d":1E-5,"e":1.25,"long":"0123456789abcdef0123456789abcdef"}"#,
  ]

  private static func takes(_ bytes: [UInt8]) -> Bool {
    unsafe JsonText.members(of: bytes.span.bytes) != nil
  }

  @Test func `members are found where they stand`() throws {
    let bytes = Array(#"{"type":"a.b", "delta" : "QUJD", "n":-42,"o":{"x":["y"]},"e":"\n"}"#.utf8)
    let span = unsafe bytes.span.bytes
    let found = JsonText.members(of: span)
    let members = try #require(found)
    #expect(members.count == 5)
    let isIt = JsonText.equals(members.value("type", in: span), "a.b", in: span)
    let isOther = JsonText.equals(members.value("type", in: span), "a.c", in: span)
    #expect(isIt && !isOther)
    let delta = JsonText.text(members.value("delta", in: span), in: span)
    let number = JsonText.integer(members.value("n", in: span), in: span)
    let escaped = JsonText.text(members.value("e", in: span), in: span)
    #expect(delta == "QUJD")
    #expect(number == -42)
    #expect(escaped == "\n")
    let none = members.value("none", in: span)
    #expect(none == nil)
    let object = members.value("o", in: span)
    let part = try #require(object)
    #expect(part.kind == .object)
    let raw = JsonText.raw(part, in: span)
    #expect(raw == Array(#"{"x":["y"]}"#.utf8))
    let inner = JsonText.members(of: part, in: span)?.value("x", in: span)
    #expect(inner?.kind == .array)
  }

  @Test(arguments: samples) func `a text cut anywhere is refused`(sample: String) {
    let whole = Array(sample.utf8)
    #expect(Self.takes(whole))
    let last = whole.lastIndex(of: UInt8(ascii: "}"))!
    for length in 0...last { #expect(!Self.takes(Array(whole[..<length]))) }
  }

  @Test func `a name given twice and members beyond the bound`() {
    #expect(!Self.takes(Array(#"{"type":1,"a":2,"type":3}"#.utf8)))
    let many = "{" + (0..<100).map { "\"n\($0)\":\($0)" }.joined(separator: ",") + "}"
    let bytes = Array(many.utf8)
    let count = unsafe JsonText.members(of: bytes.span.bytes)?.count
    #expect(count == JsonMembers.capacity)
  }

  @Test func `nesting is bounded at the stated depth`() {
    for depth in 1...200 {
      let opening = String(repeating: "[", count: depth - 1)
      let closing = String(repeating: "]", count: depth - 1)
      let text = depth == 1 ? "{}" : "{\"a\":\(opening)\(closing)}"
      #expect(Self.takes(Array(text.utf8)) == (depth <= JsonText.depthMax), "depth \(depth)")
    }
    let deep = "{\"a\":" + String(repeating: "{\"a\":", count: 200_000)
    #expect(!Self.takes(Array(deep.utf8)))
  }
}
