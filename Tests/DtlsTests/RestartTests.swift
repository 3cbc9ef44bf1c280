import Dtls
import Testing
import Wire

/// A handshake that forged records kill again and again is put back at a bounded rate, and fails
/// only when its time is over.
@Suite struct RestartTests {
  /// A hello of the right form that no handshake survives.
  private static let deadly = Forgery.toPassive[0]

  /// As many as come in the time before the client's own hello, and while it is on its way.
  @Test(arguments: [65, 1_000, 5_000]) func forgedHellosDelayACallAndDoNotEndIt(count: Int) throws {
    let wire = try makePair()
    wire.b.start(at: wire.now)
    for _ in 0..<count { wire.inject(Self.deadly.bytes, to: .b) }
    #expect(wire.b.state == .handshaking)
    #expect(wire.b.counters.restarts == 64)
    #expect(wire.b.counters.passed == 65)
    #expect(wire.b.counters.unwanted == UInt64(count) - 65)
    wire.a.start(at: wire.now)
    wire.collect()
    wire.run()
    #expect(wire.isConnected, "\(wire.b.state) \(wire.b.lastError)")
    #expect(wire.elapsedMilliseconds < 250)
  }

  /// Somebody who does not stop, in either role: the CPU time is bounded all along, and the end
  /// comes with the deadline, under a name that says what was wrong.
  @Test(arguments: [DtlsRole.active, .passive])
  func whoNeverStopsCostsABoundedTime(role: DtlsRole) throws {
    let forgery =
      role == .passive
      ? Self.deadly : Forgery.toActive.first { $0.name == "ServerHello, cipher not offered" }!
    let end = try makeEndpoint(
      role, identity: identityOfA, fingerprints: [identityOfB.fingerprint()])
    let start = Instant(nanoseconds: 1_000_000_000)
    end.start(at: start)
    for milliseconds in 0..<9_999 as Range<UInt64> {
      let now = start.advanced(byMilliseconds: milliseconds)
      if end.deadline <= now { end.handleTimeout(at: now) }
      _ = end.datagrams()
      unsafe forgery.bytes.withUnsafeBytes { unsafe end.handle($0, at: now) }
      try #require(end.state == .handshaking, "\(milliseconds) ms")
    }
    #expect((300...64 + 320).contains(end.counters.restarts))
    end.handleTimeout(at: start.advanced(byMilliseconds: 10_000))
    #expect(end.state == .failed(.timedOut))
    #expect(end.lastError.contains("cipher"), "\(end.lastError)")
  }

  /// When they stop, the next repetition of the honest hello is read.
  @Test func aCallConnectsOnceTheyStop() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.tamper = { _ in [] }
    for round in 1...50 as ClosedRange<UInt64> {
      for _ in 0..<3 { wire.inject(Self.deadly.bytes, to: .b) }
      wire.run(untilMilliseconds: round * 60, stopWhenConnected: false)
    }
    wire.tamper = { [$0.bytes] }
    wire.run()
    #expect(wire.isConnected)
    #expect(wire.elapsedMilliseconds < 5_000)
  }
}
