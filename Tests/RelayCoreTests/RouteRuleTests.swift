import Testing
import Wire

@testable import RelayCore

/// Who owns a route when more than one transceiver answers a client (threats T2 to T5 of the
/// design: forged addresses, replayed checks, ports used again).
@Suite struct RouteRuleTests {
  // Times in a route are kept to a millisecond, so what is due is asked for two later.
  private let start = Instant(nanoseconds: 1_000_000_000)
  private let key = RouteKey(listener: 0, client: TransportAddress(ipv4: 1, port: 2))

  private func after(_ milliseconds: UInt64) -> Instant {
    start.advanced(byMilliseconds: milliseconds)
  }

  @Test func anAnswerAloneDoesNotMoveALiveRoute() {
    var route = Route(key: key, owner: 1, at: start)
    expect(route.note(speaker: 2, proven: false, at: after(10)) == .challenged)
    expect(route.owner == 1)
    expect(route.isChallenged(at: after(11)))
    expect(!route.isChallenged(at: after(10 + 3002)))
  }

  @Test func proofMovesItAndTheFormerOwnerStaysServedWhileItLives() {
    var route = Route(key: key, owner: 1, at: start)
    _ = route.note(speaker: 2, proven: false, at: after(10))
    expect(route.note(speaker: 2, proven: true, at: after(20)) == .changedOwner)
    expect(route.owner == 2)
    expect(route.isChallenged(at: after(21)) && route.challenger == 1)
  }

  @Test func aSilentOwnerLosesToALiveChallenger() {
    var route = Route(key: key, owner: 1, at: start)
    expect(route.note(speaker: 2, proven: false, at: after(11_998)) == .challenged)
    expect(route.note(speaker: 2, proven: false, at: after(12_002)) == .changedOwner)
    expect(!route.isChallenged(at: after(12_002)))
  }

  @Test func aThirdDoesNotDisplaceALiveChallenger() {
    var route = Route(key: key, owner: 1, at: start)
    _ = route.note(speaker: 2, proven: false, at: after(10))
    expect(route.note(speaker: 3, proven: false, at: after(20)) == .ignored)
    expect(route.challenger == 2)
    expect(route.note(speaker: 3, proven: false, at: after(3_012)) == .challenged)
    expect(route.challenger == 3)
  }

  @Test func theEndOfTheOwnersSessionHandsOverOrEnds() {
    var route = Route(key: key, owner: 1, at: start)
    expect(!route.end(speaker: 2, at: after(1)))
    _ = route.note(speaker: 2, proven: false, at: after(10))
    expect(!route.end(speaker: 1, at: after(20)))
    expect(route.owner == 2 && !route.hasChallenger)
    expect(route.end(speaker: 2, at: after(30)))
  }

  @Test func theEndOfTheChallengersSessionLeavesTheOwner() {
    var route = Route(key: key, owner: 1, at: start)
    _ = route.note(speaker: 2, proven: false, at: after(10))
    expect(!route.end(speaker: 2, at: after(20)))
    expect(route.owner == 1 && !route.isChallenged(at: after(20)))
  }
}
