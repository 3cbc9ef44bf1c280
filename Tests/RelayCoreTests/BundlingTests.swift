import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// Several client packets, one trunk datagram.
@Suite struct BundlingTests {
  /// The sizes of the trunk datagrams and how many packets are in each.
  private func shape(_ sent: [Sent]) -> [Int] {
    sent.map { item in
      if case .up(_, _, let frames) = item { frames.count } else { -1 }
    }
  }

  @Test func aBatchForOneTransceiverIsOneDatagram() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let packets = (1...7).map { Bench.media(UInt8($0)) }
    expect(bench.takeClient(packets) == [Bench.up(0, packets)])
    expect(bench.worker.counters[.bundlesSent] == 1)
    expect(bench.worker.counters[.framesSent] == 7)
    expect(bench.worker.counters[.bytesUp] == 7 * 172)
  }

  @Test func aFullBundleMakesRoomForTheNext() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    // 16 + 7 x (9 + 172) = 1283 bytes; an eighth would make it 1464.
    expect(shape(bench.takeClient((0..<16).map { _ in Bench.media() })) == [7, 7, 2])
  }

  @Test func transceiversGetBundlesOfTheirOwnInTheOrderOfTheirFirstPackets() {
    var bench = Bench()
    let other = TransportAddress(ipv4: 9, port: 9)
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 2, to: other)
    var sent: [Sent] = []
    for client in [Bench.client, other, Bench.client, other] {
      let bytes = Bench.media()
      unsafe bytes.withUnsafeBytes {
        unsafe bench.worker.takeClientDatagram(
          ReceivedDatagram(bytes: $0, isTruncated: false, peer: client), listener: 0,
          at: bench.now)
      }
    }
    bench.drain(into: &sent)
    let media = Bench.media()
    #expect(
      sent == [Bench.up(0, [media, media]), Bench.up(2, [media, media], client: other)])
  }

  @Test func firefoxsLargestDatagramPassesAlone() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let large = Bench.media(1, count: 1408)
    let sent = bench.takeClient([Bench.media(), large, Bench.media()])
    #expect(shape(sent) == [1, 1, 1])
    #expect(sent[1] == Bench.up(0, [large]))
  }

  @Test func itPassesOverIPv6EndToEndAsWell() {
    var bench = Bench { $0.trunkIsIPv4 = false }
    _ = bench.speak(from: 0, to: Bench.client6, listener: 1)
    let large = Bench.media(1, count: 1408)
    let sent = bench.takeClient([large], from: Bench.client6, listener: 1)
    #expect(sent == [Bench.up(0, [large], client: Bench.client6, listener: 1)])
  }

  @Test func whatFitsNoTrunkDatagramIsCountedAndDropped() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let most = RelayLimits.trunkBytesIPv4 - 16 - 9
    expect(shape(bench.takeClient([Bench.media(1, count: most)])) == [1])
    expect(bench.takeClient([Bench.media(1, count: most + 1)]) == [])
    expect(bench.worker.counters[.clientTooLong] == 1)
  }

  @Test func largeBundlesAreForNetworksThatCarryThem() {
    var bench = Bench { $0.bundleBytes = 8900 }
    _ = bench.speak(from: 0)
    expect(shape(bench.takeClient((0..<64).map { _ in Bench.media() })) == [49, 15])
    // A frame's length has 11 bits whatever the path carries.
    expect(shape(bench.takeClient([Bench.media(1, count: 2047)])) == [1])
    expect(bench.takeClient([Bench.media(1, count: 2048)]) == [])
  }

  /// Full bundles of a row are of one length, whatever is in them, and each transceiver's follow
  /// each other: that is what the kernel takes as one message.
  @Test func aRowHasOneLength() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    let packets = (0..<40).map { Bench.media(1, count: 120 + $0) }
    let lengths = bench.outgoingLengths(packets)
    expect(lengths.count > 3 && lengths.dropLast().allSatisfy { $0 == 1400 })
    expect(lengths.last! <= 1400)
    // A packet that needs much more room than is left ends the row; its bundle is not blown up.
    let uneven = bench.outgoingLengths([
      Bench.media(1, count: 900), Bench.media(1, count: 1200), Bench.media(1, count: 200),
    ])
    expect(uneven == [16 + 9 + 900, 1400, 16 + 9 + 200])
  }

  /// A way that carries less gets smaller bundles, and what is longer by itself is marked; the
  /// others' ways are as they were.
  @Test func aWayThatCarriesLess() {
    var bench = Bench()
    let clients = (0..<2).map { TransportAddress(ipv4: 0x0A00_0001, port: 1_000 + $0) }
    for (index, client) in clients.enumerated() { _ = bench.speak(from: index, to: client) }
    bench.worker.setWay(bundleBytes: 1_252, wholeBytes: 1_252, for: 0)
    let packets = (0..<14).map { _ in Bench.media() }
    // 16 + 6 x (9 + 172) = 1102 bytes.
    expect(shape(bench.takeClient(packets, from: clients[0])) == [6, 6, 2])
    expect(shape(bench.takeClient(packets, from: clients[1])) == [7, 7])
    let large = [Bench.media(1, count: 1_227), Bench.media(1, count: 1_228)]
    expect(bench.isTooLong(large, from: clients[0]) == [false, true])
    expect(bench.isTooLong(large, from: clients[1]) == [false, false])
    // It never becomes more than was configured.
    bench.worker.setWay(bundleBytes: 9_000, wholeBytes: 9_000, for: 0)
    expect(shape(bench.takeClient(packets, from: clients[0])) == [7, 7])
  }

  @Test func eachTransceiversBundlesFollowEachOther() {
    var bench = Bench()
    let clients = (0..<2).map { TransportAddress(ipv4: 0x0A00_0001, port: 1_000 + $0) }
    for (index, client) in clients.enumerated() { _ = bench.speak(from: index, to: client) }
    let sent = bench.takeAlternately((0..<40).map { _ in Bench.media(1) }, from: clients)
    let order = sent.map { $0.transceiver }
    expect(order == order.sorted { $0!.rawValue < $1!.rawValue } && Set(order).count == 2)
    expect(shape(sent).reduce(0, +) == 40)
  }

  /// More than the pool holds: the worker asks to be drained and loses nothing.
  @Test func aLongBatchIsDrainedInBetween() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    let packets = (0..<1000).map { _ in Bench.media(2, count: 1200) }
    // The second transceiver is a challenger: each packet goes twice, each time alone.
    expect(shape(bench.takeClient(packets)) == [Int](repeating: 1, count: 2000))
    expect(bench.worker.counters[.clientForwardedToBoth] == 1000)
  }

  @Test func theSmallestFramesOfAFullTrunkDatagramFitTheQueue() {
    var bench = Bench()
    let frame = TrunkFrame(listener: 0, client: Bench.client)
    let bytes = bench.down([(TrunkFrame, [UInt8])](repeating: (frame, [1]), count: 203))
    #expect(bytes.count == 2046)
    let sent = bench.takeTrunk([bytes], peer: Bench.transceivers[0].address)
    #expect(sent.count == 203)
  }
}
