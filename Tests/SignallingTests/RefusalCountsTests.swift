import Signalling
import Testing
import Wire

@Suite("Signalling: refusals, counted and logged")
struct RefusalCountsTests {
  private static func at(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: 5_000_000_000).advanced(byMilliseconds: milliseconds)
  }

  private static let wrongKey = RefusalCounts.Reason(401, "invalid_api_key")

  @Test func everyRefusalIsCountedByItsReason() {
    var counts = RefusalCounts()
    for turn in 0..<1_000 {
      _ = counts.note(Self.wrongKey, at: Self.at(UInt64(turn)))
      if turn % 10 == 0 { _ = counts.note(.init(400, "invalid_offer"), at: Self.at(UInt64(turn))) }
    }
    let names = counts.sorted.map(\.reason.description)
    #expect(names == ["400 invalid_offer", "401 invalid_api_key"])
    #expect(counts.sorted.map(\.count) == [100, 1_000])
  }

  @Test func aFloodGetsAFewLinesWhichTellOfTheRest() {
    var counts = RefusalCounts()
    var lines: [UInt64] = []
    // 1,000 a second for a minute.
    for turn in 0..<60_000 {
      if let unlogged = counts.note(Self.wrongKey, at: Self.at(UInt64(turn))) {
        lines.append(unlogged)
      }
    }
    #expect((60...71).contains(lines.count), "\(lines.count)")
    let told = lines.reduce(0, +) + UInt64(lines.count)
    #expect(told <= 60_000 && told > 58_000, "\(told)")
    // A quiet time later each has a line of its own again.
    #expect(counts.note(Self.wrongKey, at: Self.at(100_000)) == 60_000 - told)
    #expect(counts.note(Self.wrongKey, at: Self.at(100_001)) == 0)
  }

  @Test func reasonsAreBounded() {
    var counts = RefusalCounts()
    for number in 0..<1_000 {
      _ = counts.note(.init(400, "code_\(number)"), at: Self.at(0))
    }
    #expect(counts.sorted.count == 101)
    #expect(counts.sorted.map(\.count).reduce(0, +) == 1_000)
  }

  @Test(arguments: [
    ("192.0.2.77", "192.0.2.x"), ("2001:db8:1:2::3", "2001:db8:1::x"), ("::1", "0:0::x"),
    ("::ffff:192.0.2.77", "192.0.2.x"), ("", ""), ("nonsense", ""),
  ])
  func addressesAreMasked(peer: String, masked: String) {
    #expect(ApiRequest.masked(peer: peer) == masked)
  }

  @Test func aRefusalNamesItsReason() {
    let desk = Desk { $0.access = .keys(["sk-martlet-0123456789"]) }
    #expect(desk.ask("POST", "/whip").response.refusal == "invalid_api_key")
    #expect(desk.ask("GET", "/nothing").response.refusal == "not_found")
    #expect(desk.ask("GET", "/healthz").response.refusal == nil)
  }
}
