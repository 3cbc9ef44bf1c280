import Dtls
import Testing
import Wire

@Suite struct HandshakeTests {
  @Test func bothEndsAgreeOnGcmKeysInTwoRoundTrips() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
    #expect(wire.elapsedMilliseconds == 4)
    let (a, b) = (try #require(wire.a.srtpKeys), try #require(wire.b.srtpKeys))
    #expect(a.profile == 7)
    #expect(a.local.count == 28)
    #expect(a.local == b.remote)
    #expect(a.remote == b.local)
    #expect(a.local != a.remote)
    #expect(wire.a.deadline == .never)
    wire.b.noteProtectedPacket()
    #expect(wire.b.deadline == .never)
    #expect(wire.a.counters.restarts == 0)
  }

  @Test func anotherSeedGivesOtherKeys() throws {
    let (one, two) = (try makePair(seed: 1), try makePair(seed: 2))
    for wire in [one, two] {
      wire.startBoth()
      wire.run()
    }
    #expect(one.isConnected && two.isConnected)
    #expect(one.a.srtpKeys?.local != two.a.srtpKeys?.local)
  }

  @Test func applicationDataAndClosingPassAfterTheHandshake() throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    #expect(wire.a.send([1, 2, 3]))
    #expect(wire.b.send([4]))
    wire.collect()
    wire.run(stopWhenConnected: false)
    #expect(wire.b.applicationData() == [[1, 2, 3]])
    #expect(wire.a.applicationData() == [[4]])
    wire.a.close()
    wire.collect()
    wire.run(stopWhenConnected: false)
    #expect(wire.a.state == .closed)
    #expect(wire.b.state == .closed)
    #expect(!wire.b.send([5]))
  }
}
