import Crypto
import TestSupport
import Testing
import Token
import Wire

@Suite("Budget: tokens cost no allocation", .serialized, .enabled(if: Cost.isMeasurable))
struct TokenBudgetTests {
  @Test(arguments: [false, true]) func opening(forged: Bool) {
    var octets = Array(TokenTests.seal().text.utf8)
    if forged { octets[5] = octets[5] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A") }
    let span = unsafe octets.span.bytes
    let opener = TokenOpener(TokenTests.keys())
    let now = TokenTests.now
    var valid = 0
    let cost = Cost.of {
      for _ in 0..<1_000 {
        if case .valid = opener.open(span, at: 0, length: 23, nowMinutes: now) { valid += 1 }
      }
    }
    #expect(valid == (forged ? 0 : 1_000))
    #expect(cost == .nothing)
  }

  @Test func derivingAPassword() {
    let deriver = IcePasswordDeriver(TokenTests.keys())
    let octets = Array(TokenTests.seal().text.utf8)
    let span = unsafe octets.span.bytes
    var keys = 0
    let cost = Cost.of {
      for _ in 0..<1_000 {
        _ = deriver.derive(span, at: 0, length: 23).integrityKey
        keys += 1
      }
    }
    #expect(keys == 1_000)
    #expect(cost == .nothing)
  }
}
