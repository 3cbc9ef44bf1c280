import Testing
import Token
import Wire

@Suite("Call IDs, and that no sealed text passes for another kind")
struct CallIDTests {
  private func callID(_ keys: RoutingKeys) -> CallID {
    var random = SeededRandom(seed: 7)
    return CallIDSealer(keys).seal(TokenTests.contents, random: &random)
  }

  @Test func roundTrip() throws {
    let keys = TokenTests.keys()
    let text = callID(keys).text
    #expect(text.hasPrefix("rtc_a"))
    #expect(text.utf8.count == 27)
    let read = try #require(CallID(text))
    #expect(CallIDOpener(keys).open(read, nowMinutes: TokenTests.now).isValid)
  }

  @Test(arguments: [
    "", "rtc_", "rtc_a", "RTC_aaaaaaaaaaaaaaaaaaaaaaa", "rtc_aaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaa", "rtc-aaaaaaaaaaaaaaaaaaaaaaa", " rtc_aaaaaaaaaaaaaaaaaaaaaaa",
  ])
  func refuses(text: String) {
    #expect(CallID(text) == nil)
  }

  @Test func tokensAreNoCallIDs() throws {
    let keys = TokenTests.keys()
    let asCallID = try #require(CallID("rtc_\(TokenTests.seal().text)"))
    #expect(CallIDOpener(keys).open(asCallID, nowMinutes: TokenTests.now) == .forged)
    let asToken = try #require(RoutingToken(callID(keys).text.dropFirst(4)))
    #expect(TokenOpener(keys).open(asToken, nowMinutes: TokenTests.now) == .forged)
  }

  /// Even where two programs were given each other's keys, the check constant tells them apart.
  @Test func swappedKeysDoNotConfuse() throws {
    let keys = TokenTests.keys()
    let swapped = try RoutingKeys(
      tokens: keys.callIDs, callIDs: keys.tokens, password: keys.password, trunk: keys.trunk)
    let asCallID = try #require(CallID("rtc_\(TokenTests.seal().text)"))
    #expect(CallIDOpener(swapped).open(asCallID, nowMinutes: TokenTests.now) == .forged)
  }
}
