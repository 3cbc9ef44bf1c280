import CPacketLoop
import Glibc
import Testing

/// Datagrams in a row: sent as one message, read as one message, shown as what they were.
@Suite struct SegmentTests {
  /// Lengths that follow each other to one peer, and how many messages they may become at best.
  private static let rows: [(lengths: [Int], messages: Int)] = [
    ([100, 100, 100], 1), ([100, 100, 40], 1), ([100, 40, 100], 2), ([40, 100], 2),
    ([100, 0, 100], 3), ([1], 1), (Array(repeating: 1, count: 65), 2),
    (Array(repeating: 1_400, count: 64), 2), (Array(repeating: 8_900, count: 9), 2),
  ]

  @Test(arguments: rows.indices, [true, false])
  func eachArrivesAsItWasSent(row: Int, coalesced: Bool) throws {
    let lengths = Self.rows[row].lengths
    let sender = try TestLoop()
    _ = try sender.addSocket(bufferBytes: 65_536)
    let receiver = try TestLoop(batch: 8)
    let socket = try receiver.addSocket(bufferBytes: 9_000, coalesced: coalesced)
    try send(lengths, with: sender, to: [socket.address])
    receiver.run(untilSeen: lengths.count)
    #expect(receiver.handlers.datagrams.map(\.bytes.count) == lengths)
    for (number, datagram) in receiver.handlers.datagrams.enumerated() {
      #expect(datagram.bytes.allSatisfy { $0 == UInt8(number) })
      #expect(!datagram.isTruncated)
    }
    #expect(sender.counters.sent == UInt64(lengths.count))
    #expect(sender.counters.sent_messages == UInt64(Self.rows[row].messages))
    #expect(sender.counters.sent_bytes == UInt64(lengths.reduce(0, +)))
    #expect(receiver.counters.received == UInt64(lengths.count))
    #expect(receiver.counters.received_bytes == UInt64(lengths.reduce(0, +)))
    #expect(receiver.counters.truncated == 0)
  }

  /// A row between two peers is not mixed up.
  @Test func rowsOfSeveralPeersStayApart() throws {
    let sender = try TestLoop()
    _ = try sender.addSocket()
    let receivers = try (0..<3).map { _ in try UdpSocket(.loopback(port: 0)) }
    let lengths = (0..<60).map { _ in 50 }
    try send(lengths, with: sender, to: receivers.map(\.address))
    for number in 0..<60 {
      let arrived = try #require(receivers[number % 3].receive())
      #expect(arrived == [UInt8](repeating: UInt8(number), count: 50))
    }
    #expect(sender.counters.sent == 60 && sender.counters.sent_messages == 60)
  }

  /// Where the kernel refuses a row each of its datagrams is tried, and counted, by itself.
  @Test func aRowThatIsTooLongForTheKernelIsCountedOneByOne() throws {
    let sender = try TestLoop()
    _ = try sender.addSocket()
    let receiver = try UdpSocket(.loopback(port: 0))
    // No row is longer than 65,000 bytes, and a single datagram of 65,600 fits no packet.
    try send([65_600, 65_600, 10], with: sender, to: [receiver.address])
    #expect(sender.counters.failed_too_big == 2)
    #expect(sender.counters.sent == 1)
    #expect(receiver.receive()?.count == 10)
  }

  /// A datagram that is longer than asked for is cut and marked, in a message of several as well.
  @Test(arguments: [true, false]) func whatIsTooLongIsMarked(coalesced: Bool) throws {
    let sender = try TestLoop()
    _ = try sender.addSocket()
    let receiver = try TestLoop()
    let socket = try receiver.addSocket(bufferBytes: 90, coalesced: coalesced)
    try send([100, 100, 30], with: sender, to: [socket.address])
    receiver.run(untilSeen: 3)
    #expect(receiver.handlers.datagrams.map(\.bytes.count) == [90, 90, 30])
    #expect(receiver.handlers.datagrams.map(\.isTruncated) == [true, true, false])
    #expect(receiver.counters.truncated == 2)
  }

  /// Sends a datagram of each length, filled with its number, to the peers in turn.
  private func send(_ lengths: [Int], with loop: TestLoop, to peers: [pl_address]) throws {
    var memory: [UInt8] = []
    var starts: [Int] = []
    for (number, length) in lengths.enumerated() {
      starts.append(memory.count)
      memory += [UInt8](repeating: UInt8(number), count: max(length, 1))
    }
    unsafe loop.runOnce { loop in
      unsafe memory.withUnsafeBufferPointer { bytes in
        var number = 0
        while number < lengths.count {
          var peer = peers[number % peers.count]
          unsafe pl_loop_send(
            loop, 0, bytes.baseAddress! + starts[number], UInt32(lengths[number]), &peer)
          number += 1
        }
        unsafe pl_loop_flush(loop)
      }
    }
  }
}
