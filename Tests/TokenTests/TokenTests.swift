import Testing
import Token
import Wire

@Suite("Tokens: sealed here, opened there")
struct TokenTests {
  static let contents = TokenContents(
    cluster: 0xABCD, transceiver: TransceiverID(node: 0x1234, shard: 0x56),
    mintedMinutes: 0x78_9ABC)
  static let now = contents.mintedMinutes + 3

  static func keys(seed: UInt64 = 1, minting: Character = "a") -> RoutingKeys {
    var random = SeededRandom(seed: seed)
    return RoutingKeys.generate(random: &random, minting: minting)
  }

  static func seal(_ contents: TokenContents = contents, seed: UInt64 = 9) -> RoutingToken {
    var random = SeededRandom(seed: seed)
    return TokenSealer(keys()).seal(contents, random: &random)
  }

  static func open(
    _ text: String, _ keys: RoutingKeys = keys(), now: UInt32 = now
  ) -> TokenVerdict {
    let octets = Array("xx\(text)yy".utf8)
    return unsafe TokenOpener(keys).open(
      octets.span.bytes, at: 2, length: octets.count - 4, nowMinutes: now)
  }

  @Test(arguments: 0..<200) func roundTrip(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let contents = TokenContents(
      cluster: .random(in: .min ... .max, using: &random),
      transceiver: TransceiverID(rawValue: .random(in: .min ... .max, using: &random)),
      mintedMinutes: .random(in: 0...TokenClock.minutesMax, using: &random))
    let token = TokenSealer(Self.keys()).seal(contents, random: &random)
    guard case .valid(var opened) = Self.open(token.text, now: contents.mintedMinutes) else {
      Issue.record("\(token) does not open")
      return
    }
    opened.nonce = 0
    #expect(opened == contents)
  }

  /// Some clients mangle + and /, so no token has them.
  @Test(arguments: 0..<200) func textIsLettersAndDigits(seed: UInt64) {
    let text = Self.seal(seed: seed).text
    #expect(text.utf8.count == 23)
    #expect(text.first == "a")
    #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    #expect(RoutingToken(text)?.text == text)
  }

  @Test func noncesMakeTokensDiffer() {
    #expect(Self.seal(seed: 1) != Self.seal(seed: 2))
    #expect(Self.seal(seed: 1) == Self.seal(seed: 1))
  }

  @Test func everyLength() {
    let text = Self.seal().text
    for length in 0...64 where length != 23 {
      let cut = String((text + text + text).prefix(length))
      #expect(Self.open(cut) == .malformed, "length \(length)")
    }
  }

  @Test func placesOutsideAreMalformed() {
    let octets = Array(Self.seal().text.utf8)
    let opener = TokenOpener(Self.keys())
    for offset in [-24, -1, 1, 22, 23, 24, Int.max, Int.min] {
      let verdict = unsafe opener.open(
        octets.span.bytes, at: offset, length: 23, nowMinutes: Self.now)
      #expect(verdict == .malformed)
    }
    for length in [-1, Int.min, Int.max, 24] {
      let verdict = unsafe opener.open(
        octets.span.bytes, at: 0, length: length, nowMinutes: Self.now)
      #expect(verdict == .malformed)
    }
  }

  /// All 256 values of each character: only the one that was sealed is valid.
  @Test func everyOtherCharacterIsRefused() {
    let octets = Array(Self.seal().text.utf8)
    let opener = TokenOpener(Self.keys())
    for index in octets.indices {
      for value in UInt8.min ... .max where value != octets[index] {
        var changed = octets
        changed[index] = value
        let verdict = unsafe opener.open(
          changed.span.bytes, at: 0, length: 23, nowMinutes: Self.now)
        #expect(verdict == expected(value, at: index), "\(value) at \(index)")
      }
    }
  }

  private func expected(_ value: UInt8, at index: Int) -> TokenVerdict {
    let character = Character(UnicodeScalar(value))
    let isAlphanumeric = character.isASCII && (character.isLetter || character.isNumber)
    guard isAlphanumeric || (index > 0 && (character == "+" || character == "/")) else {
      return .malformed
    }
    if index == 0 { return .unknownKey }
    // The last character has two bits that count: A, Q, g and w have the other four clear.
    if index == 22, !"AQgw".contains(character) { return .nonCanonical }
    return .forged
  }

  @Test func age() {
    let text = Self.seal().text
    let minted = Self.contents.mintedMinutes
    #expect(Self.open(text, now: minted + 24 * 60).isValid)
    #expect(Self.open(text, now: minted + 24 * 60 + 1) == .expired)
    #expect(Self.open(text, now: .max) == .expired)
    #expect(Self.open(text, now: minted - 5).isValid)
    #expect(Self.open(text, now: minted - 6) == .premature)
    #expect(Self.open(text, now: 0) == .premature)
  }

  @Test func foreignKeys() {
    #expect(Self.open(Self.seal().text, Self.keys(seed: 2)) == .forged)
    #expect(Self.open(Self.seal().text, Self.keys(minting: "b")) == .unknownKey)
  }

  @Test func rotation() throws {
    let old = Self.keys(seed: 1, minting: "a")
    let new = Self.keys(seed: 2, minting: "b")
    let both = try RoutingKeys(
      tokens: SealingKeys(
        keys: old.tokens.keys.merging(new.tokens.keys) { first, _ in first }, minting: "b"),
      callIDs: old.callIDs, password: old.password, trunk: old.trunk)
    var random = SeededRandom(seed: 3)
    let fresh = TokenSealer(both).seal(Self.contents, random: &random)
    #expect(fresh.text.first == "b")
    #expect(Self.open(fresh.text, both).isValid)
    #expect(Self.open(Self.seal().text, both).isValid)
    #expect(Self.open(fresh.text, old) == .unknownKey)
  }

  /// A forged token is random characters; all end at the check constant.
  @Test func randomTokensNeverOpen() {
    var random = SeededRandom(seed: 4)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    let opener = TokenOpener(Self.keys())
    for _ in 0..<20_000 {
      var octets = (0..<22).map { _ in alphabet.randomElement(using: &random)! }
      octets.insert(UInt8(ascii: "a"), at: 0)
      octets[22] = UInt8(ascii: "Q")
      let verdict = unsafe opener.open(
        octets.span.bytes, at: 0, length: 23, nowMinutes: Self.now)
      #expect(verdict == .forged)
    }
  }

  @Test func clock() {
    #expect(TokenClock.minutes(unixSeconds: 1_767_225_600) == 0)
    #expect(TokenClock.minutes(unixSeconds: 1_767_225_600 + 119) == 1)
    #expect(TokenClock.minutes(unixSeconds: 0) == 0)
    #expect(TokenClock.minutes(unixSeconds: .min) == 0)
    #expect(TokenClock.minutes(unixSeconds: .max) == TokenClock.minutesMax)
  }
}

extension TokenVerdict {
  var isValid: Bool {
    if case .valid = self { true } else { false }
  }
}
