import Testing
import Trunk
import Wire

@testable import TransceiverCore

/// What one turn says to the relays.
@Suite struct RelayBundlesTests {
  private static let bundleBytes = 1_400

  private static func makeBundles(bundlesMax: Int = 32) -> RelayBundles {
    var bundles = RelayBundles(
      TrunkHeader(
        kind: .down, cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), ingress: 0),
      key: nil, bundlesMax: bundlesMax, bundleBytesMax: bundleBytes)
    for worker in 1...2 {
      bundles.setWay(
        to: path(UInt16(worker)).relay, bundleBytes: bundleBytes, wholeBytes: 1_472)
    }
    return bundles
  }

  /// The path of a client behind a relay.
  private static func path(_ ingress: UInt16) -> PathID {
    PathID(
      relay: TransportAddress(ipv4: 0x0A00_0000 + UInt32(ingress), port: 4_100), ingress: ingress,
      listener: 0, client: TransportAddress(ipv4: 0xC000_0201, port: 9))
  }

  private struct Sent {
    var bytes: [UInt8]
    var relay: TransportAddress
    var isTooLong: Bool

    /// The first byte of each client packet.
    var marks: [UInt8] {
      var marks: [UInt8] = []
      var offset = TrunkHeader.bytes
      while case .frame(_, let payload) = unsafe TrunkDatagram.nextFrame(
        bytes.span.bytes, at: offset)
      {
        marks.append(bytes[payload.offset])
        offset = payload.end
      }
      return marks
    }
  }

  private static func append(
    _ mark: UInt8, count: Int, to path: PathID, _ bundles: inout RelayBundles
  ) {
    unsafe [UInt8](repeating: mark, count: count).withUnsafeBytes {
      unsafe bundles.append($0, to: path, proven: true, ended: false)
    }
  }

  private static func drain(_ bundles: inout RelayBundles) -> [Sent] {
    var sent: [Sent] = []
    while let next = bundles.nextDatagram() {
      sent.append(
        Sent(bytes: unsafe Array(next.bytes), relay: next.relay, isTooLong: next.isTooLong))
    }
    bundles.reset()
    return sent
  }

  @Test func fullBundlesAreOneRowOfOneLength() {
    var bundles = Self.makeBundles()
    for mark in 0..<30 { Self.append(UInt8(mark), count: 120, to: Self.path(1), &bundles) }
    let sent = Self.drain(&bundles)
    #expect(sent.map(\.bytes.count).dropLast().allSatisfy { $0 == Self.bundleBytes })
    #expect(sent.flatMap(\.marks) == Array(0..<30))
    #expect(bundles.datagrams == UInt64(sent.count))
    #expect(bundles.frames == 30)
    #expect(Self.drain(&bundles).isEmpty)
  }

  @Test func eachRelayGetsItsOwnInARowAndInOrder() {
    var bundles = Self.makeBundles()
    for mark in 0..<80 {
      Self.append(
        UInt8(mark), count: 100 + mark, to: Self.path(mark % 2 == 0 ? 1 : 2), &bundles)
    }
    let sent = Self.drain(&bundles)
    let (one, other) = (Self.path(1).relay, Self.path(2).relay)
    #expect(sent.filter { $0.relay == one }.flatMap(\.marks) == (0..<40).map { 2 * $0 })
    #expect(sent.filter { $0.relay == other }.flatMap(\.marks) == (0..<40).map { 2 * $0 + 1 })
    let changes = zip(sent, sent.dropFirst()).count { $0.relay != $1.relay }
    #expect(changes == 1)
  }

  /// Who drains when there is no room loses nothing and keeps the order; a packet that is longer
  /// than a bundle goes alone.
  @Test func moreThanATurnHoldsLeavesEarly() {
    var bundles = Self.makeBundles()
    var sent: [Sent] = []
    for mark in 0..<200 {
      if bundles.room == 0 { sent += Self.drain(&bundles) }
      let count = mark % 50 == 7 ? Self.bundleBytes : 700
      Self.append(UInt8(mark), count: count, to: Self.path(1), &bundles)
    }
    #expect(sent.count >= 32)
    sent += Self.drain(&bundles)
    #expect(sent.flatMap(\.marks) == Array(0..<200))
    #expect(sent.allSatisfy { !$0.isTooLong })
    #expect(bundles.tooLarge == 0)
  }

  @Test func whatNoDatagramHoldsIsCounted() {
    var bundles = Self.makeBundles()
    Self.append(1, count: RelayBundles.aloneBytesMax, to: Self.path(1), &bundles)
    Self.append(2, count: 2_048, to: Self.path(1), &bundles)
    #expect(bundles.tooLarge == 2)
    #expect(bundles.frames == 0)
    #expect(Self.drain(&bundles).isEmpty)
  }

  /// Of a way that nobody has told of, an operator's smaller bundles say how narrow it may be.
  @Test func anUnknownWayIsNoWiderThanTheOperatorSays() {
    var bundles = RelayBundles(
      TrunkHeader(
        kind: .down, cluster: 1, transceiver: TransceiverID(node: 1, shard: 0), ingress: 0),
      key: nil, bundlesMax: 4, bundleBytesMax: 1_000)
    Self.append(1, count: 900, to: Self.path(1), &bundles)
    Self.append(2, count: 1_100, to: Self.path(1), &bundles)
    #expect(Self.drain(&bundles).map(\.isTooLong) == [false, true])
  }

  /// A way that carries less gets smaller bundles from the next turn on, and what does not fit it
  /// alone leaves in fragments.
  @Test func aNarrowWayGetsSmallerBundles() {
    var bundles = Self.makeBundles()
    bundles.setWay(to: Self.path(1).relay, bundleBytes: 600, wholeBytes: 600)
    for mark in 0..<10 { Self.append(UInt8(mark), count: 120, to: Self.path(1), &bundles) }
    Self.append(10, count: 700, to: Self.path(1), &bundles)
    let sent = Self.drain(&bundles)
    #expect(sent.flatMap(\.marks) == Array(0...10))
    #expect(sent.dropLast().allSatisfy { $0.bytes.count <= 600 && !$0.isTooLong })
    #expect(sent.last?.isTooLong == true)
  }
}
