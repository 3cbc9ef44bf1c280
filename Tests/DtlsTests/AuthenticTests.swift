import Dtls
import Testing
import Wire

/// What the peer itself says under its keys: it alone ends a call.
@Suite struct AuthenticTests {
  private enum Content {
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let data: UInt8 = 23
  }

  /// A Certificate message of 16 MB: OpenSSL gives up over it.
  private static let misplaced: [UInt8] = [11, 255, 0, 3, 0, 5, 0, 0, 0, 255, 0, 3, 0, 0, 0]

  private func connected(
    as role: DtlsRole
  ) throws -> (wire: LossyWire, ours: OpenSslDtls, peer: PlainPeer) {
    let peer = PlainPeer(role.opposite)
    let wire = try makeWire(to: peer, as: role)
    wire.startBoth()
    wire.run()
    try #require(wire.isConnected)
    return (wire, try #require(wire.a as? OpenSslDtls), peer)
  }

  @Test(arguments: [DtlsRole.active, .passive])
  func itsAlertsEndTheAssociation(role: DtlsRole) throws {
    let (wire, ours, peer) = try connected(as: role)
    wire.inject(peer.seal(type: Content.alert, number: 9, [1, 90]), to: .a)
    // What ends nothing: warnings, and records without content.
    for number in 10..<20 as Range<UInt32> {
      wire.inject(peer.seal(type: Content.alert, number: number, [1, 100]), to: .a)
      wire.inject(peer.seal(type: Content.data, number: number + 10, []), to: .a)
    }
    #expect(ours.state == .connected)
    try expectDataBothWays(wire)
    wire.inject(peer.seal(type: Content.alert, number: 40, [1, 0]), to: .a)
    #expect(ours.state == .closed)
    let other = try connected(as: role)
    other.wire.inject(other.peer.seal(type: Content.alert, number: 9, [2, 80]), to: .a)
    #expect(other.ours.state == .failed(.alertReceived))
  }

  /// OpenSSL dies, over something that the peer did say: there are no channels any more, the media
  /// keys stay, nothing is told to the peer. Its word still ends the call, and nobody else's.
  @Test(arguments: [DtlsRole.active, .passive])
  func whatKillsOpenSslCostsTheChannelsOnly(role: DtlsRole) throws {
    for last: [UInt8] in [[1, 0], [2, 40]] {
      let (wire, ours, peer) = try connected(as: role)
      let sent = wire.sent.count
      wire.inject(peer.seal(type: Content.handshake, number: 20, Self.misplaced), to: .a)
      #expect(ours.state == .associationLost)
      #expect(ours.srtpKeys != nil)
      #expect(!ours.lastError.isEmpty)
      #expect(!ours.send([1]))
      for forgery in Forgery.alerts + Forgery.garbage { wire.inject(forgery.bytes, to: .a) }
      wire.inject(peer.seal(type: Content.data, number: 21, [1]), to: .a)
      #expect(ours.applicationData().isEmpty)
      wire.run(untilMilliseconds: 5_000, stopWhenConnected: false)
      #expect(ours.state == .associationLost)
      #expect(wire.sent.dropFirst(sent).allSatisfy { $0.bytes[0] != Content.alert })
      wire.inject(peer.seal(type: Content.alert, number: 22, last), to: .a)
      #expect(ours.state == (last[0] == 1 ? .closed : .failed(.alertReceived)))
    }
  }

  /// Every protected record again and again, in any order, long after: none is read twice, whatever
  /// it says, and numbers far ahead lock nobody out.
  @Test(arguments: [DtlsRole.active, .passive])
  func replaysChangeNothing(role: DtlsRole) throws {
    let (wire, ours, peer) = try connected(as: role)
    for number in 0..<100 as Range<UInt8> {
      #expect(peer.send([number]))
      wire.collect()
    }
    wire.run(untilMilliseconds: 100, stopWhenConnected: false)
    #expect(ours.applicationData().count == 64, "what is not taken is bounded")
    let records = wire.sent.filter { $0.to == .a }.flatMap(\.bytes.records)
    let protected = records.filter { $0[4] == 1 }
    #expect(protected.count > 100)
    let before = ours.counters
    for record in protected + protected.reversed() { wire.inject(record, to: .a) }
    #expect(ours.applicationData().isEmpty)
    #expect(ours.counters.replayed == before.replayed + UInt64(2 * protected.count))
    #expect(ours.counters.passed == before.passed)
    try expectDataBothWays(wire)
  }

  /// Within the window of 64 any order will do; each record once.
  @Test func recordsMayBeSwapped() throws {
    let (wire, ours, peer) = try connected(as: .active)
    let numbers: [UInt32] = [100, 80, 99, 37, 100, 36, 200, 137, 136]
    for number in numbers {
      wire.inject(peer.seal(type: Content.data, number: number, [UInt8(number)]), to: .a)
    }
    #expect(ours.applicationData() == [[100], [80], [99], [37], [200], [137]])
    #expect(ours.counters.replayed == 3)
  }

  /// Application data that overtakes the end of the handshake is kept until its turn.
  @Test func dataThatComesEarlyIsRead() throws {
    let peer = PlainPeer(.passive)
    let wire = try makeWire(to: peer, as: .active)
    var held: [[UInt8]] = []
    wire.tamper = { datagram in
      guard datagram.to == .a, datagram.bytes[0] == 20 || datagram.bytes[4] == 1 else {
        return [datagram.bytes]
      }
      held.append(datagram.bytes)
      return []
    }
    wire.startBoth()
    wire.run(untilMilliseconds: 20, stopWhenConnected: false)
    #expect(peer.send([5]))
    wire.collect()
    try #require(held.count == 3)
    for record in held.reversed() { wire.inject(record, to: .a) }
    #expect(wire.isConnected)
    #expect(wire.a.applicationData() == [[5]])
  }
}
