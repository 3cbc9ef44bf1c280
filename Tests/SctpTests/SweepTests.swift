import Sctp
import Testing
import Wire

@Suite("SCTP: every length of everything")
struct SweepTests {
  /// A sound body of each chunk type.
  private func bodies(_ peer: HandPeer) -> [(UInt8, [UInt8])] {
    let open = Array(peer.open(stream: 0).dropFirst(4))
    return [
      (0, open), (1, peer.offer()), (2, peer.offer() + [0, 7, 0, 8, 1, 2, 3, 4]),
      (3, words(peer.theirTsn &- 1, 4_096, 0x0002_0001, 0x0002_0003, 0x0005_0006, 77)),
      (4, [0, 1, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]), (5, [0, 1, 0, 20] + pattern(16, seed: 1)),
      (6, [0, 12, 0, 8, 1, 2, 3, 4]), (7, words(peer.theirTsn)), (8, []),
      (9, [0, 3, 0, 8, 0, 0, 0, 9, 0, 6, 0, 6, 1, 1]), (10, peer.cookie), (11, []), (14, []),
      (130, [0, 13, 0, 20] + words(peer.tsn, 0, peer.tsn) + [0, 1, 0, 2, 0, 16, 0, 12, 0, 0]),
      (192, words(peer.tsn &+ 1, 5, 7)), (64, pattern(40, seed: 2)), (15, pattern(20, seed: 3)),
    ]
  }

  /// Each chunk cut at each length, its length field saying so or saying what it was; each state.
  @Test(arguments: 0..<3)
  func everyChunkAtEveryLength(stage: Int) {
    let count = bodies(HandPeer()).count
    var packets: UInt64 = 0
    for index in 0..<count {
      let full = bodies(HandPeer())[index].1.count
      for length in 0...max(full, 64) {
        let peer = HandPeer()
        switch stage {
        case 0: peer.initiate()
        case 1: peer.connect()
        default:
          peer.association.start(at: peer.now)
          peer.collect()
          peer.initiate()
        }
        let (type, body) = bodies(peer)[index]
        let cut = Array(body.prefix(length))
        let tag: UInt32 = type == 1 ? 0 : peer.theirTag
        peer.give(raw: packet(tag: tag, chunk(type, cut)))
        var wrong = chunk(type, cut)
        wrong[3] = UInt8(truncatingIfNeeded: body.count + 4)
        peer.give(raw: packet(tag: tag, wrong))
        peer.wait(milliseconds: 500)
        let counters = peer.association.figures.packets
        packets += counters.total
        #expect(counters.total == (stage == 1 ? 4 : 3))
      }
    }
    #expect(packets > 2_000)
  }

  /// A packet cut at every length, and with every value in its length fields.
  @Test func packetsCutAnywhere() {
    let peer = HandPeer()
    peer.connect()
    let whole = packet(
      tag: peer.theirTag, peer.open(stream: 0), chunk(4, [0, 1, 0, 8, 1, 2, 3, 4]))
    for count in 0...whole.count { peer.give(raw: withChecksum(Array(whole[..<count]))) }
    for value in 0...0xFFFF as ClosedRange<UInt32> {
      var bytes = whole
      bytes[14] = UInt8(value >> 8)
      bytes[15] = UInt8(value & 0xFF)
      peer.give(raw: withChecksum(bytes))
    }
    #expect(peer.association.figures.packets.malformed > 65_000)
    #expect(peer.association.isUp)
  }

  /// DATA_CHANNEL_OPEN cut at every length and with every length inside.
  @Test func everyOpen() {
    let name = Array("label and protocol".utf8)
    let body = [3, 0x82, 1, 0] + words(9, 0x0005_000D) + name
    for length in 0...body.count {
      let peer = HandPeer()
      peer.connect()
      let cut = Array(body.prefix(length))
      peer.give(peer.data(stream: 0, sequence: 0, protocolID: 50, cut))
      #expect(peer.events.opened.count == (length == body.count ? 1 : 0))
    }
    for value in stride(from: 0 as UInt32, through: 0xFFFF, by: 7) {
      let peer = HandPeer()
      peer.connect()
      let wrong = [3, 0, 1, 0] + words(0, value << 16 | (value ^ 0xFF)) + name
      peer.give(peer.data(stream: 0, sequence: 0, protocolID: 50, wrong))
      #expect(peer.association.isUp)
    }
  }

  @Test func openAsItShouldBe() {
    let peer = HandPeer()
    peer.connect()
    let name = Array("label and protocol".utf8)
    let body = [3, 0x82, 1, 0] + words(9, 0x0005_000D) + name
    peer.give(peer.data(stream: 8, sequence: 0, protocolID: 50, body))
    let channel = SctpChannel(
      stream: 8, label: Array("label".utf8), subprotocol: Array(" and protocol".utf8),
      isOrdered: false, reliability: .lifetimeMilliseconds(9), isOpenedByPeer: true)
    #expect(peer.events == [.associationUp, .channelOpened(channel)])
    let answer = peer.last(0) ?? []
    #expect(Array(answer[4...]) == words(0x0008_0000, 50) + [2])
  }
}
