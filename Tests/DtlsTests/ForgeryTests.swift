import Dtls
import Testing
import Wire

/// Forged datagrams from the peer's own address, at every moment of the handshake, towards either
/// role: the call connects all the same.
@Suite struct ForgeryTests {
  static let cases: [(LossyWire.End, Forgery)] =
    (Forgery.alerts + Forgery.garbage + Forgery.toActive).map { (.a, $0) }
    + (Forgery.alerts + Forgery.garbage + Forgery.toPassive).map { (.b, $0) }

  @Test(arguments: cases)
  func oneAtAnyMomentDoesNotEndTheCall(victim: LossyWire.End, forgery: Forgery) throws {
    for mtu in [1200, 300] {
      let whole = try makePair { $0.mtu = mtu }
      whole.startBoth()
      whole.run()
      for index in 0..<whole.sent.count(where: { $0.to == victim }) {
        for isBefore in [true, false] {
          let wire = try makePair { $0.mtu = mtu }
          wire.tamper = { datagram in
            guard datagram.to == victim, datagram.index == index else { return [datagram.bytes] }
            return isBefore
              ? [forgery.bytes, datagram.bytes] : [datagram.bytes, forgery.bytes]
          }
          wire.startBoth()
          wire.run()
          expectConnected(wire, "\(forgery.name) \(isBefore ? "before" : "after") \(index), \(mtu)")
        }
      }
    }
  }

  @Test func theStrangersCertificateIsOne() {
    let seen = Self.cases.filter { $0.1.name == "Certificate of a stranger" }
    #expect(seen.count == 2 && seen.allSatisfy { $0.1.bytes.count > 250 })
  }

  @Test(arguments: cases)
  func oneBeforeEverythingDoesNotEndTheCall(victim: LossyWire.End, forgery: Forgery) throws {
    let wire = try makePair()
    wire.startBoth()
    wire.inject(forgery.bytes, to: victim)
    wire.run()
    expectConnected(wire, forgery.name)
  }

  @Test(arguments: [LossyWire.End.a, .b])
  func allOfThemInOneHandshakeDoNotEndTheCall(victim: LossyWire.End) throws {
    let forgeries = Self.cases.filter { $0.0 == victim }.map(\.1.bytes)
    let wire = try makePair { $0.mtu = 300 }
    var next = 0
    wire.tamper = { datagram in
      guard datagram.to == victim, next < forgeries.count else { return [datagram.bytes] }
      next += 3
      return Array(forgeries[(next - 3)..<min(next, forgeries.count)]) + [datagram.bytes]
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
  }

  @Test(arguments: cases)
  func afterTheHandshakeTheyAreIgnored(victim: LossyWire.End, forgery: Forgery) throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    wire.inject(forgery.bytes, to: victim)
    wire.run(untilMilliseconds: 500, stopWhenConnected: false)
    #expect(wire.isConnected)
    #expect(wire.a.send([1]))
    #expect(wire.b.send([2]))
    wire.collect()
    wire.run(untilMilliseconds: 1000, stopWhenConnected: false)
    #expect(wire.b.applicationData() == [[1]])
    #expect(wire.a.applicationData() == [[2]])
  }

  @Test func noAlertLeavesInTheClear() throws {
    for (victim, forgery) in Self.cases {
      let wire = try makePair()
      wire.startBoth()
      wire.inject(forgery.bytes, to: victim)
      wire.run()
      #expect(!wire.sent.contains { $0.bytes[0] == 21 && $0.bytes[4] == 0 })
    }
  }

  private func expectConnected(_ wire: LossyWire, _ what: String) {
    #expect(wire.isConnected, "\(what): \(wire.a.state) \(wire.b.state)")
    #expect(wire.elapsedMilliseconds < 250, "\(what)")
  }
}
