import Wire

/// Makes texts that are JSON or nearly: by the grammar, with what implementations differ in, and
/// then changed in places. The same seed makes the same texts.
struct TextMaker {
  private var random: SeededRandom
  private var out: [UInt8] = []

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
  }

  mutating func text() -> [UInt8] {
    out.removeAll(keepingCapacity: true)
    if below(2_000) == 0 {
      nest()
    } else {
      value(levels: below(5))
    }
    if below(2) == 0 { for _ in 0...below(3) { change() } }
    return out
  }

  private mutating func below(_ bound: Int) -> Int { Int(random.next() >> 33) % bound }
  private mutating func any<Element>(_ choices: [Element]) -> Element {
    choices[below(choices.count)]
  }
  private mutating func put(_ text: String) { out += text.utf8 }

  // The grammar.

  /// One value, with arrays and objects in it while there are levels left.
  private mutating func value(levels: Int) {
    blanks()
    switch below(levels > 0 ? 8 : 4) {
    case 0: put(any(["true", "false", "null", "0"]))
    case 1: string()
    case 2, 3: number()
    case 4, 5:
      put("[")
      list { $0.value(levels: levels - 1) }
      put("]")
    default:
      put("{")
      list {
        $0.key()
        $0.value(levels: levels - 1)
      }
      put("}")
    }
    blanks()
  }

  private mutating func list(_ item: (inout TextMaker) -> Void) {
    blanks()
    let count = below(4)
    for index in 0..<count {
      if index > 0 { put(",") }
      item(&self)
    }
  }

  /// Mostly one of a few, so that some come twice, with an escape or without.
  private mutating func key() {
    blanks()
    if below(3) == 0 {
      string()
    } else {
      let name = any(["a", "b", "c", "type", "delta", "é", "e\u{301}", "\\u0061", "\\u00e9", ""])
      put("\"\(name)\"")
    }
    blanks()
    put(":")
  }

  private mutating func blanks() {
    guard below(4) == 0 else { return }
    for _ in 0..<below(3) { put(any([" ", "\t", "\n", "\r", "\r\n"])) }
  }

  private mutating func string() {
    put("\"")
    for _ in 0..<below(12) {
      switch below(8) {
      case 0: put(any(["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]))
      case 1: escape()
      case 2: out += any(Self.characters)
      case 3: put(any(["0123456789abcdef", "UklGRiQAAABXQVZF", " a, b: [c] "]))
      default: out.append(UInt8(0x20 + below(0x60)))  // with quotation marks and backslashes
      }
    }
    put("\"")
  }

  /// `\uXXXX`: any unit, or one at the edge of surrogates, or a pair.
  private mutating func escape() {
    let pairs = ["\\ud83d\\ude00", "\\uD800\\uDC00", "\\uDBFF\\uDFFF"]
    let edges = [0x00, 0x1F, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF]
    switch below(3) {
    case 0: put(any(pairs))
    case 1: unit(any(edges + [0xE000, 0xFFFE, 0xFFFF]))
    default: unit(below(0x1_0000))
    }
  }

  private mutating func unit(_ value: Int) {
    let digits = String(value, radix: 16, uppercase: below(2) == 0)
    put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }

  private mutating func number() {
    if below(3) == 0 { return put(any(Self.numbers)) }
    if below(3) == 0 { put("-") }
    digits(below(4) == 0 ? 20 : 4, any(["", "", "0", "1", "9"]))
    if below(3) == 0 {
      put(".")
      digits(below(4) == 0 ? 40 : 3, "")
    }
    if below(4) == 0 {
      put(any(["e", "E", "e-", "E-", "e+", "E+"]))
      digits(3, "")
    }
  }

  private mutating func digits(_ most: Int, _ first: String) {
    put(first)
    for _ in 0...below(most) { out.append(UInt8(0x30 + below(10))) }
  }

  /// About as deep as the two bounds, closed or not.
  private mutating func nest() {
    let depth = any([63, 64, 65, 2_047, 2_048, 2_049, 5_000]) + below(3) - 1
    let isObject = below(2) == 0
    for _ in 0..<depth { put(isObject ? "{\"a\":" : "[") }
    if isObject || below(2) == 0 { value(levels: 0) }
    for _ in 0..<depth { put(isObject ? "}" : "]") }
  }

  // The changes.

  private mutating func change() {
    if out.isEmpty { out = any(Self.pieces) }
    let place = below(out.count)
    let end = min(out.count, place + below(6))
    switch below(8) {
    case 0: out[place] ^= 1 << UInt8(below(8))
    case 1: out[place] = UInt8(below(256))
    case 2: out.remove(at: place)
    case 3: out.removeSubrange(place..<end)
    case 4: out.insert(contentsOf: out[place..<end], at: below(out.count))
    case 5: out.removeSubrange(place...)
    default: out.insert(contentsOf: any(Self.pieces), at: place)
    }
  }

  /// Numbers at the edges of 64 bits and of doubles.
  private static let numbers = [
    "0", "-0", "-0.0", "00", "01", "-", "1.", ".5", "+1", "1e", "1e+", "0e0", "0x10", "1e1_0",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "123456789012345678901234567890", "1e308", "1e309", "-1e309", "1e-308",
    "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
    "179769313486231580793728971405301e276", "2.2250738585072014e-308", "2.2250738585072011e-308",
    "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400",
    "9007199254740993.0", "0.1", "0.30000000000000004", "1E4000000000000000000", "Infinity", "NaN",
    "1.00000000000000011102230246251565404236316680908203125", "1e-4000000000000000000000",
    "1.00000000000000011102230246251565404236316680908203124", "1.0e+0000000000000000000000002",
  ]
  /// Characters in UTF-8 and what is none: alone, cut, overlong, surrogates, beyond U+10FFFF.
  private static let characters: [[UInt8]] =
    [
      "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFF}",
      "\u{10000}", "\u{10FFFF}", "\u{FEFF}", "漢", "😀", "e\u{301}",
    ].map { Array($0.utf8) } + [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x9F, 0xBF], [0xE0, 0xA0],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0x00], [0x1F],
    ]
  /// What a change puts in.
  private static let pieces: [[UInt8]] =
    characters + numbers.map { Array($0.utf8) }
    + [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\uD83D", "\\uDE00", "\\u0000", "\\x",
      "{\"a\":", "\"a\":1,", "[]", "{}", ",,", "true", "false", "null", "nul", "True", "'a'", "//",
      "/**/", " ", "\t", "\n", "\r", "\u{C}", "\u{A0}", "\"type\"",
    ].map { Array($0.utf8) }
}
