import Testing

@testable import RelayCore

@Suite struct RelayCountersTests {
  @Test func namesAreWordsAndUnlike() {
    let names = RelayCounter.allCases.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(RelayCounter.clientForwardedByToken.name == "client_forwarded_by_token")
    #expect(RelayCounter.frameMalformed.group == .frame)
    #expect(RelayCounter.candidateOpened.group == .event)
    #expect(RelayCounter.framesSent.group == .event)
  }

  @Test func aGroupsTotalIsTheSumOfItsCounters() {
    var counters = RelayCounters()
    counters.count(.clientForwardedByRoute)
    counters.count(.clientTokenForged, 3)
    counters.count(.trunkForged)
    var sum = counters
    sum.add(counters)
    #expect(counters.total(of: .client) == 4)
    #expect(counters.total(of: .trunk) == 1)
    #expect(sum.total(of: .client) == 8)
    #expect(sum[.clientTokenForged] == 6)
  }
}
