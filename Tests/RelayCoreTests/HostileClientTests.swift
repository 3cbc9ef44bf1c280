import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// What anybody may send to a public port, and what must come of it: one counter, no route, no
/// trap.
@Suite struct HostileClientTests {
  /// Sends `bytes`, which must be dropped and counted as `counter`, once.
  private func expectDrop(
    _ bench: inout Bench, _ bytes: [UInt8], _ counter: RelayCounter,
    from client: TransportAddress = Bench.client,
    _ location: SourceLocation = #_sourceLocation
  ) {
    let before = bench.worker.counters
    let sent = bench.takeClient([bytes], from: client)
    #expect(sent == [], sourceLocation: location)
    let after = bench.worker.counters
    #expect(after[counter] == before[counter] + 1, "\(counter)", sourceLocation: location)
    #expect(
      after.total(of: .client) == before.total(of: .client) + 1, sourceLocation: location)
    #expect(
      after.total(of: .event) == before.total(of: .event), sourceLocation: location)
  }

  @Test func tokensThatDoNotHoldAreRefusedEachForItsReason() {
    var bench = Bench()
    var random = SeededRandom(seed: 99)
    let foreign = RoutingKeys.generate(random: &random)
    let unknown = RoutingKeys.generate(random: &random, minting: "9")
    let now = Bench.nowMinutes
    expectDrop(&bench, bench.check(bench.token(for: 0, keys: foreign)), .clientTokenForged)
    expectDrop(&bench, bench.check(bench.token(for: 0, keys: unknown)), .clientTokenUnknownKey)
    expectDrop(&bench, bench.check(bench.token(for: 0, cluster: 8)), .clientOtherCluster)
    expectDrop(
      &bench, bench.check(bench.token(for: TransceiverID(node: 9, shard: 0))),
      .clientUnknownTransceiver)
    expectDrop(
      &bench, bench.check(bench.token(for: 0, minted: now - 1441)), .clientTokenExpired)
    expectDrop(&bench, bench.check(bench.token(for: 0, minted: now + 6)), .clientTokenExpired)
  }

  @Test func aCheckWithoutThePasswordOpensNothing() {
    var bench = Bench()
    let token = bench.token(for: 0)
    expectDrop(&bench, bench.check(token, integrity: false), .clientIntegrityFailed)
    var tampered = bench.check(token)
    tampered[tampered.count - 9] ^= 1
    expectDrop(&bench, tampered, .clientIntegrityFailed)
    expectDrop(&bench, Bench.media(), .clientWithoutRoute)
  }

  @Test func noiseIsCountedByKind() {
    var bench = Bench()
    expectDrop(&bench, [], .clientUnrecognised)
    expectDrop(&bench, [0x40, 0, 0], .clientUnrecognised)
    expectDrop(&bench, [0xFF], .clientUnrecognised)
    expectDrop(&bench, [0, 1, 0, 0], .clientStunMalformed)
    expectDrop(&bench, [22, 254, 253], .clientWithoutRoute)
    expectDrop(&bench, Bench.media(), .clientWithoutRoute)
    expectDrop(&bench, bench.binding(.bindingSuccess), .clientWithoutRoute)
    expect(bench.takeClient([Bench.media()], isTruncated: true) == [])
    expect(bench.worker.counters[.clientTruncated] == 1)
  }

  /// Where no host can be nothing is forwarded from and nothing sent to, whatever it says.
  @Test(arguments: [
    "192.0.2.1:0", "0.0.0.0:5000", "224.0.0.1:5000", "239.255.255.255:5000",
    "255.255.255.255:5000", "[2001:db8::1]:0", "[::]:5000", "[ff02::1]:5000",
    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:5000",
  ])
  func sourcesThatNoHostHas(text: String) throws {
    let source = try #require(TransportAddress(text))
    var bench = Bench()
    let token = bench.token(for: 0)
    for bytes in [
      bench.check(token), Bench.media(), [22, 254, 253], bench.binding(.bindingSuccess),
    ] {
      expectDrop(&bench, bytes, .clientUnusableSource, from: source)
    }
    expect(bench.speak(from: 0, to: source, [1]) == [])
    expect(bench.worker.counters[.frameMisaddressed] == 1)
    expect(bench.worker.routeCount == 0)
  }

  @Test(arguments: [
    "1.0.0.1:1", "127.0.0.1:1", "223.255.255.255:65535", "240.0.0.1:1", "255.255.255.254:1",
  ])
  func sourcesThatAHostMayHave(text: String) throws {
    let source = try #require(TransportAddress(text))
    var bench = Bench()
    let check = bench.check(bench.token(for: 0))
    expect(bench.takeClient([check], from: source) == [Bench.up(0, [check], client: source)])
  }

  /// A token's age matters only where it would open a flow.
  @Test func aSkewedClockEndsNoLiveCall() {
    var bench = Bench()
    let token = bench.token(for: 0)
    _ = bench.takeClient([bench.check(token)])
    _ = bench.speak(from: 0)
    bench.worker.tokenMinutes = Bench.nowMinutes + 100_000
    let check = bench.check(token)
    expect(bench.takeClient([check]) == [Bench.up(0, [check])])
    expectDrop(&bench, check, .clientTokenExpired, from: TransportAddress(ipv4: 5, port: 5))
  }

  @Test func everyLengthOfACheckIsSafeAndCountedOnce() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 0))
    for length in 0..<check.count {
      expect(bench.takeClient([Array(check[..<length])]) == [])
    }
    expect(bench.worker.counters.total(of: .client) == UInt64(check.count))
    expect(bench.worker.counters[.candidateOpened] == 0)
  }

  /// Every byte of a check changed, one at a time: it is forwarded only where the change lies
  /// behind what MESSAGE-INTEGRITY covers.
  @Test func aChangedCheckOpensNothing() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 0))
    let covered = check.count - 8 - 20
    for place in 0..<covered {
      for change in [UInt8(1), 0x80, 0xFF] {
        var changed = check
        changed[place] ^= change
        expect(bench.takeClient([changed]) == [])
      }
    }
    expect(bench.worker.counters.total(of: .client) == UInt64(covered * 3))
  }

  @Test(arguments: 1...8) func randomBytesAreCountedOnceEach(seed: UInt64) {
    var bench = Bench()
    _ = bench.speak(from: 0)
    var random = SeededRandom(seed: seed)
    for _ in 0..<2000 {
      let length = Int.random(in: 0...300, using: &random)
      var bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      if length > 8, Bool.random(using: &random) {
        bytes.replaceSubrange(
          0..<8,
          with: [0, 1, UInt8((length - 20) >> 8 & 1), UInt8((length - 20) & 0xFF)]
            + [0x21, 0x12, 0xA4, 0x42])
      }
      _ = bench.takeClient([bytes])
    }
    expect(bench.worker.counters.total(of: .client) == 2000)
    expect(bench.worker.counters[.clientForwardedByToken] == 0)
  }

  @Test func aFloodWithAReplayedCheckDisplacesNothingThatIsAlive() {
    var bench = Bench { $0.routesMax = 1024 }
    _ = bench.speak(from: 1)
    let check = bench.check(bench.token(for: 0))
    for number in 0..<10_000 {
      let client = TransportAddress(ipv4: UInt32(number + 1), port: 1)
      expect(bench.takeClient([check], from: client) == [Bench.up(0, [check], client: client)])
    }
    expect(bench.takeClient([Bench.media()]) == [Bench.up(1, [Bench.media()])])
    expect(bench.worker.routeCount == 1)
    expect(bench.worker.counters[.candidateEvicted] > 9000)
  }

  @Test func aFullTableRefusesRoutesAndStillCarriesAnswers() {
    var bench = Bench { $0.routesMax = 10 }
    for port in UInt16(1)...20 {
      let client = TransportAddress(ipv4: 1, port: port)
      let sent = bench.speak(from: 0, to: client, [1])
      #expect(sent == [.down(listener: 0, to: client, bytes: [1])])
    }
    expect(bench.worker.routeCount == 10)
    expect(bench.worker.counters[.routeTableFull] == 10)
  }
}
