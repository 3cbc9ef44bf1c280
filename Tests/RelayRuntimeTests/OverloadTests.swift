import Glibc
import Testing

/// A relay that cannot keep up: what is lost then is counted too.
@Suite(.serialized) struct OverloadTests {
  private static let media = [UInt8](repeating: 0x80, count: 172)
  /// No first byte of WebRTC's.
  private static let junk = [UInt8](repeating: 0x50, count: 172)
  /// More than a receive queue holds.
  private static let sentMin = 20_000

  /// While the process stands still its queue runs full. Every datagram is in one counter then:
  /// read by a worker, dropped as junk by the kernel, or lost unread.
  @Test(arguments: ["flow", "kernel"]) func whatAFullQueueLosesIsCounted(steering: String) throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try RelayProcess(
      listen: ["127.0.0.1:0"], transceivers: [(transceiver.id, transceiver.trunk.address)],
      more: ["--steering", steering, "--stats-seconds", "1"])
    let client = try UdpSocket()
    relay.pause()
    for number in 0..<Self.sentMin {
      client.send(number % 8 == 0 ? Self.junk : Self.media, to: relay.listeners[0])
    }
    relay.resume()
    var counters: [String: Int] = [:]
    // Waits for the event itself; the bound only ends a test that would never end.
    for _ in 0..<1_200 {
      counters = relay.statistics()
      if Self.accounted(counters) == Self.sentMin { break }
      usleep(50_000)
    }
    #expect(Self.accounted(counters) == Self.sentMin, "\(counters)")
    #expect(counters["received"] == counters["client_total"])
    #expect(counters["lost_unread"] ?? 0 > 0)
    let isSteered = relay.log.contains("steering=flow")
    let junk = isSteered ? "dropped_in_kernel" : "client_unrecognised"
    #expect(counters[junk] ?? 0 > 0)
    #expect(counters["junk_kind"] == counters["dropped_in_kernel"])
    #expect(relay.end() == 0)
    #expect(relay.log.contains("datagrams were lost unread"))
    #expect(relay.log.contains("lost_unread="))
  }

  private static func accounted(_ counters: [String: Int]) -> Int {
    ["received", "lost_unread", "dropped_in_kernel"].reduce(0) { $0 + (counters[$1] ?? 0) }
  }
}
