import CPacketLoop
import Glibc
import Testing

/// The send queues and where each datagram ends.
@Suite struct SendTests {
  @Test func aFullQueueSendsItself() throws {
    let loop = try TestLoop(queue: 8)
    _ = try loop.addSocket()
    _ = try loop.addSocket()
    let receiver = try UdpSocket(.loopback(port: 0))
    var peer = receiver.address
    let memory = (0..<100).map { UInt8($0) }
    unsafe loop.runOnce { loop in
      unsafe memory.withUnsafeBufferPointer { bytes in
        for number in 0..<100 {
          unsafe pl_loop_send(
            loop, UInt16(number % 2), bytes.baseAddress! + number, 1, &peer)
        }
        unsafe pl_loop_flush(loop)
      }
    }
    var arrived: [UInt8] = []
    for _ in 0..<100 { arrived += try #require(receiver.receive()) }
    #expect(arrived.sorted() == memory)
    // Each socket keeps its order.
    #expect(arrived.filter { $0 % 2 == 0 } == memory.filter { $0 % 2 == 0 })
    #expect(loop.counters.sent == 100)
    #expect(loop.counters.send_calls <= 26, "eight at a time, not one by one")
  }

  /// Each failing datagram is counted by its cause, and those behind it in the queue still go.
  @Test func failuresAreCountedByCauseAndStopNobody() throws {
    let loop = try TestLoop()
    _ = try loop.addSocket()
    let receiver = try UdpSocket(.loopback(port: 0))
    let good = receiver.address
    var broadcast = good
    broadcast.ip.12 = 255
    broadcast.ip.13 = 255
    broadcast.ip.14 = 255
    broadcast.ip.15 = 255
    var portless = good
    portless.port = 0
    let bytes = [UInt8](repeating: 1, count: 65_600)
    let attempts: [(pl_address, UInt32)] = [
      (good, 10), (broadcast, 10), (good, 10), (good, 65_600), (good, 10),
      (.ipv6Loopback(port: 9), 10), (good, 10), (portless, 10), (good, 10),
    ]
    unsafe loop.runOnce { loop in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        for (peer, length) in attempts {
          var peer = peer
          unsafe pl_loop_send(loop, 0, bytes.baseAddress!, length, &peer)
        }
        unsafe pl_loop_flush(loop)
      }
    }
    let counters = loop.counters
    #expect(counters.sent == 5)
    #expect(counters.failed_not_permitted == 1)
    #expect(counters.failed_too_big == 1)
    #expect(counters.failed_other == 2)
    #expect(counters.failed_full == 0)
    #expect(counters.failed_refused == 0)
    for _ in 0..<5 { #expect(receiver.receive()?.count == 10) }
  }

  /// A datagram above the MTU is refused and counted, never cut into fragments.
  @Test func nothingIsFragmented() throws {
    let socket = try UdpSocket(.loopback(port: 0))
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let status = unsafe getsockopt(
      socket.descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, &value, &length)
    #expect(status == 0)
    #expect(value == IP_PMTUDISC_DO)
  }
}
