import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// The way of ordinary calls through a worker.
@Suite struct RelayWorkerTests {
  @Test func theFirstCheckGoesByItsTokenAndDataFollows() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 1))
    expect(bench.takeClient([check]) == [Bench.up(1, [check])])
    expect(bench.takeClient([Bench.media()]) == [Bench.up(1, [Bench.media()])])
    expect(bench.worker.counters[.clientForwardedByToken] == 1)
    expect(bench.worker.counters[.clientForwardedByRoute] == 1)
    expect(bench.worker.counters[.candidateOpened] == 1)
    expect(bench.worker.counters.total(of: .client) == 2)
    expect(bench.worker.routeCount == 0)
  }

  @Test func theOrderOfAttributesIsFree() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 0), usernameLast: true)
    expect(bench.takeClient([check]) == [Bench.up(0, [check])])
  }

  @Test func anAnswerReachesTheClientAndAssuresTheRoute() {
    var bench = Bench()
    _ = bench.takeClient([bench.check(bench.token(for: 1))])
    let sent = bench.speak(from: 1, [9, 9])
    #expect(sent == [.down(listener: 0, to: Bench.client, bytes: [9, 9])])
    expect(bench.worker.counters[.routeAssured] == 1)
    bench.now = bench.now.advanced(byMilliseconds: 59_000)
    expect(bench.takeClient([Bench.media()]) == [Bench.up(1, [Bench.media()])])
  }

  @Test func anUnansweredFlowIsForgottenAfterTwoSeconds() {
    var bench = Bench()
    _ = bench.takeClient([bench.check(bench.token(for: 1))])
    bench.now = bench.now.advanced(byMilliseconds: 2000)
    expect(bench.takeClient([Bench.media()]) == [])
    expect(bench.worker.counters[.clientWithoutRoute] == 1)
  }

  @Test func aRouteEndsWhenItsTransceiverFallsSilentWhateverTheClientSends() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    for _ in 0..<60 {
      bench.now = bench.now.advanced(byMilliseconds: 1000)
      expect(bench.takeClient([Bench.media()]) == [Bench.up(0, [Bench.media()])])
    }
    bench.now = bench.now.advanced(byMilliseconds: 1)
    expect(bench.takeClient([Bench.media()]) == [])
    expect(bench.worker.counters[.routeExpired] == 1)
  }

  @Test func aTurnSweepsSilentRoutes() {
    var bench = Bench { $0.routesMax = 100 }
    for port in UInt16(1)...50 {
      _ = bench.speak(from: 0, to: TransportAddress(ipv4: 1, port: port))
    }
    expect(bench.worker.routeCount == 50)
    var next = bench.worker.onTurn(at: bench.now)
    expect(next == bench.now.advanced(byMilliseconds: 100))
    bench.now = bench.now.advanced(byMilliseconds: 60_001)
    next = bench.worker.onTurn(at: bench.now)
    expect(bench.worker.routeCount == 0)
    expect(bench.worker.onTurn(at: bench.now) == .never)
    expect(bench.worker.counters[.routeExpired] == 50)
  }

  @Test func aFrameForAnUnknownClientTeachesTheRoute() {
    var bench = Bench()
    expect(bench.takeClient([Bench.media()]) == [])
    _ = bench.speak(from: 2)
    expect(bench.takeClient([Bench.media()]) == [Bench.up(2, [Bench.media()])])
    expect(bench.worker.counters[.routeLearned] == 1)
  }

  @Test func indicationsAndResponsesGoByTheTable() {
    var bench = Bench()
    _ = bench.speak(from: 2)
    for type in [StunMessageType.bindingIndication, .bindingSuccess, .bindingError] {
      let message = bench.binding(type)
      expect(bench.takeClient([message]) == [Bench.up(2, [message])])
    }
    let request = bench.binding(.bindingRequest)
    expect(bench.takeClient([request]) == [Bench.up(2, [request])])
  }

  @Test func theListenersAndFamiliesStayApart() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 0))
    let sent = bench.takeClient([check], from: Bench.client6, listener: 1)
    #expect(sent == [Bench.up(0, [check], client: Bench.client6, listener: 1)])
    let answer = bench.speak(from: 0, to: Bench.client6, listener: 1, [5])
    #expect(answer == [.down(listener: 1, to: Bench.client6, bytes: [5])])
    expect(bench.takeClient([Bench.media()], from: Bench.client) == [])
  }

  @Test func theEndOfASessionEndsItsRoute() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    expect(bench.speak(from: 0, ended: true, []) == [])
    expect(bench.takeClient([Bench.media()]) == [])
    expect(bench.worker.counters[.routeEnded] == 1)
    expect(bench.worker.counters[.frameNotice] == 1)
    expect(bench.worker.counters.total(of: .frame) == 2)
  }

  @Test func theLastPacketOfASessionIsDelivered() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let sent = bench.speak(from: 0, ended: true, [8])
    #expect(sent == [.down(listener: 0, to: Bench.client, bytes: [8])])
    expect(bench.worker.routeCount == 0)
  }
}
