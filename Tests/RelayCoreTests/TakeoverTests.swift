import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// Two transceivers and one client address: forged checks must not cut a call, and a client that
/// begins a new call from its old port must not wait.
@Suite struct TakeoverTests {
  private let media = Bench.media()

  @Test func aCheckForAnotherTransceiverIsForwardedAndMovesNothing() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let check = bench.check(bench.token(for: 1))
    expect(bench.takeClient([check]) == [Bench.up(1, [check])])
    expect(bench.takeClient([media]) == [Bench.up(0, [media])])
  }

  @Test func itHasToCarryTheIntegrityOfItsToken() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    expect(bench.takeClient([bench.check(bench.token(for: 1), integrity: false)]) == [])
    expect(bench.worker.counters[.clientIntegrityFailed] == 1)
  }

  @Test func whileBothAnswerBothAreServed() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    expect(bench.takeClient([media]) == [Bench.up(0, [media]), Bench.up(1, [media])])
    let response = bench.binding(.bindingSuccess)
    expect(bench.takeClient([response]) == [Bench.up(0, [response]), Bench.up(1, [response])])
    bench.now = bench.now.advanced(byMilliseconds: 3002)
    expect(bench.takeClient([media]) == [Bench.up(0, [media])])
  }

  @Test func checksGoOnlyWhereTheirTokenSaysDuringAChallenge() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    for index in 0...1 {
      let check = bench.check(bench.token(for: index))
      expect(bench.takeClient([check]) == [Bench.up(index, [check])])
    }
  }

  @Test func proofMovesTheRoute() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    _ = bench.speak(from: 1, proven: true)
    expect(bench.worker.counters[.routeChangedOwner] == 1)
    bench.now = bench.now.advanced(byMilliseconds: 3002)
    expect(bench.takeClient([media]) == [Bench.up(1, [media])])
  }

  @Test func hangingUpBeforeTheNextCallLeavesNothingBehind() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 0, ended: true, [])
    let check = bench.check(bench.token(for: 1))
    _ = bench.takeClient([check])
    expect(bench.takeClient([media]) == [Bench.up(1, [media])])
  }

  /// The attacker forges the victim's address with a check of a session of its own, again and
  /// again; the victim's packets reach its transceiver every time.
  @Test func forgedChecksDoNotCutACall() {
    var bench = Bench()
    _ = bench.speak(from: 0, proven: true)
    let forged = bench.check(bench.token(for: 1))
    for _ in 0..<100 {
      bench.now = bench.now.advanced(byMilliseconds: 20)
      _ = bench.takeClient([forged])
      _ = bench.speak(from: 1)
      _ = bench.speak(from: 0, proven: true)
      expect(bench.takeClient([media]).contains(Bench.up(0, [media])))
    }
    expect(bench.worker.counters[.routeChangedOwner] == 0)
  }
}
