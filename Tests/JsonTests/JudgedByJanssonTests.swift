import Glibc
import Json
import Testing

/// Our parser against Jansson, which it has replaced: what one takes, the other must, and it must
/// read the same and complain in the same words.
@Suite struct JudgedByJanssonTests {
  /// Texts in all; another number for a long run (ten million take some minutes):
  ///
  ///     MARTLET_JSON_TEXTS=10000000 swift test -c release -Xswiftc -enable-testing \
  ///       --disable-xctest --filter JudgedByJansson
  static let textCount =
    unsafe getenv("MARTLET_JSON_TEXTS").flatMap { unsafe Int(String(cString: $0)) } ?? 40_000
  static let seeds: Range<UInt64> = 0..<8

  @Test(arguments: seeds) func `whatever the text is, the two agree`(seed: UInt64) {
    var maker = TextMaker(seed: 20_261_201 + seed)
    var (accepted, found) = (0, 0)
    let count = Self.textCount / Self.seeds.count
    for round in 0..<count {
      let bytes = maker.text()
      let verdict = Verdict(bytes)
      if verdict.isAccepted { accepted += 1 }
      if verdict.hasMembers { found += 1 }
      if let dispute = verdict.dispute {
        Issue.record("seed \(seed), round \(round): \(dispute): \(shown(bytes))")
        return
      }
    }
    // Else the texts would say little: about four of ten are JSON, and one of seven an object.
    #expect(accepted > count / 4 && accepted < count * 3 / 4, "\(accepted) of \(count)")
    #expect(found > count / 20, "\(found) of \(count)")
  }

  @Test func `a text cut or changed in each place is judged alike`() {
    let text = #"{"k":{"A":"0f\n\ud83d\ude00"},"n":[1,-2.5e3,"é😀",[]],"t":true,"f":null}"#
    let whole = Array(text.utf8)
    for place in whole.indices {
      expectAgreement(Array(whole[..<place]))
      for byte in UInt8.min...UInt8.max {
        var changed = whole
        changed[place] = byte
        expectAgreement(changed)
      }
    }
  }

  @Test(arguments: ["", " ", "\0", "\u{FEFF}{}", "1", "\"a\"", "null", "[1] 2", "{} {}", "\"a"])
  func `any kind of value is a text, and there is one`(text: String) {
    expectAgreement(Array(text.utf8))
  }

  @Test func `all units alone and in pairs with a few`() {
    for unit in 0...0xFFFF {
      let first = String(unit, radix: 16)
      let escape = "\\u" + String(repeating: "0", count: 4 - first.count) + first
      expectAgreement(Array("[\"\(escape)\"]".utf8))
      if (0xD7F0...0xE00F).contains(unit) {
        for other in ["\\uD800", "\\uDC00", "\\uDFFF", "\\uE000", "\\u000", "\\n", "é"] {
          expectAgreement(Array("\"\(escape)\(other)\"".utf8))
        }
      }
    }
  }

  private func expectAgreement(_ bytes: [UInt8]) {
    if let dispute = Verdict(bytes).dispute { Issue.record("\(dispute): \(shown(bytes))") }
  }

  private func shown(_ bytes: [UInt8]) -> String {
    bytes.prefix(2_000).map {
      (0x20..<0x7F).contains($0) ? String(UnicodeScalar($0)) : "<\(String($0, radix: 16))>"
    }.joined()
  }
}

/// What both readers of ours and Jansson say of one text.
private struct Verdict {
  private(set) var isAccepted = false
  private(set) var hasMembers = false
  /// In what they do not agree.
  private(set) var dispute: String?

  init(_ bytes: [UInt8]) {
    let judge = Jansson(bytes)
    hasMembers = unsafe JsonText.members(of: bytes.span.bytes) != nil
    do throws(JsonDefect) {
      let value = try JsonValue.parse(bytes)
      isAccepted = true
      if bytes.contains(0) {
        dispute = "no JSON text has a zero byte"
      } else if !judge.isAccepted {
        dispute = "only Jansson refuses it, \(judge.defect)"
      } else if !judge.hasRead(value) {
        dispute = "Jansson reads something else than \(value)"
      } else if hasMembers != Self.mayHaveMembers(value) {
        dispute = hasMembers ? "no object has these members" : "its members are not found"
      } else if hasMembers, !Self.isSame(bytes, value) {
        dispute = "other members are found than \(value)"
      }
    } catch {
      if bytes.contains(0) {
        // Jansson overlooks a zero byte right behind a number or a word.
        dispute = hasMembers ? "members are found in spite of a zero byte" : nil
      } else if judge.isAccepted {
        dispute = "Jansson takes it, and we say \(error)"
      } else if !Self.isSame(error.description, judge.defect) {
        dispute = "Jansson says \(judge.defect), and we say \(error)"
      } else if hasMembers, !Self.isLaxer(error.description) {
        dispute = "members are found, and yet \(error)"
      }
    }
  }

  /// Jansson decodes one byte ahead, so it says of the number before what it cannot decode.
  private static func isSame(_ ours: String, _ theirs: String) -> Bool {
    ours == theirs || theirs.contains("unable to decode byte")
  }

  /// Whether the members that are found in `bytes` are those of `value`: their names and texts.
  private static func isSame(_ bytes: [UInt8], _ value: JsonValue) -> Bool {
    let span = unsafe bytes.span.bytes
    guard case .object(let members) = value, let found = JsonText.members(of: span),
      found.count == members.count
    else { return false }
    for (index, member) in members.enumerated() {
      let name = JsonText.text(found[index].name, in: span)
      let text = JsonText.text(found[index].value, in: span)
      guard isSame(name, member.key), isSame(text, member.value.text) else { return false }
    }
    return true
  }

  private static func isSame(_ one: String?, _ other: String?) -> Bool {
    one.map { Array($0.utf8) } == other.map { Array($0.utf8) }
  }

  private static func mayHaveMembers(_ value: JsonValue) -> Bool {
    guard case .object = value else { return false }
    return depth(of: value) <= JsonText.depthMax
  }

  /// Levels of arrays and objects in `value`.
  private static func depth(of value: JsonValue) -> Int {
    switch value {
    case .array(let values): 1 + (values.map(depth).max() ?? 0)
    case .object(let members): 1 + (members.map { depth(of: $0.value) }.max() ?? 0)
    default: 0
    }
  }

  /// What `JsonText` does not look at: what strings and numbers mean, and names further in.
  private static func isLaxer(_ defect: String) -> Bool {
    ["duplicate object key", "invalid Unicode", "too big", "overflow", "NUL", "\\u0000"].contains {
      defect.contains($0)
    }
  }
}
