import Dtls
import Testing
import Wire

@Suite struct LastFlightTests {
  /// An active end whose own timer is an OpenSSL default's or slower, and a passive one of ours.
  private func makeSlowPeer() throws -> LossyWire {
    LossyWire(
      try makeEndpoint(
        .active, identity: identityOfA, fingerprints: [identityOfB.fingerprint()],
        change: { $0.firstTimeoutMilliseconds = 5_000 }),
      try makeEndpoint(
        .passive, identity: identityOfB, fingerprints: [identityOfA.fingerprint()]))
  }

  @Test(arguments: 1...3)
  func itIsRepeatedUntilItArrives(losses: Int) throws {
    let wire = try makeSlowPeer()
    var left = losses
    wire.tamper = { datagram in
      guard datagram.to == .a, wire.b.state == .connected, left > 0 else { return [datagram.bytes] }
      left -= 1
      return []
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
    #expect(left == 0)
    // 60 ms, then 120, then 240, after two round trips of 2 ms.
    #expect(wire.elapsedMilliseconds == UInt64([64, 184, 424][losses - 1]))
  }

  @Test func itIsNotRepeatedOnceThePeerHasShownThatItCame() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    let before = wire.sent.count
    wire.b.noteProtectedPacket()
    wire.run(untilMilliseconds: 5_000, stopWhenConnected: false)
    #expect(wire.sent.count == before)
    #expect(wire.b.deadline == .never)
  }

  @Test func repeatingItEnds() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    let before = wire.sent.count
    wire.run(untilMilliseconds: 15_000, stopWhenConnected: false)
    #expect(wire.sent.count > before)
    #expect(wire.sent.count <= before + 4 * 4)
    #expect(wire.b.deadline == .never)
    #expect(wire.isConnected)
  }
}
