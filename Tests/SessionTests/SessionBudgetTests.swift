import CallClient
import Session
import TestSupport
import Testing
import Wire

/// A connected call's media allocates nothing. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of a session", .serialized, .enabled(if: Cost.isMeasurable))
struct SessionBudgetTests {
  @Test(
    "a packet of voice in, and a tick with a packet out; an open data channel adds nothing",
    arguments: [[], [ChannelTests.events]])
  func media(channels: [CallerChannelOptions]) throws {
    let call = try CallPair(channels: channels)
    call.run(2_000)
    #expect(call.types().count == channels.count)
    #expect(call.isConnected)
    // Packets that are on their way already, to be handed over under the probe.
    call.network = { _ in [] }
    let before = call.sent.count
    call.run(400)
    let packets = call.sent[before...].filter { $0.way == .up && $0.bytes.count > 80 }
    try #require(packets.count >= 15)
    var outbox = SessionOutbox()
    var sent = 0
    var now = call.now
    var costs: [Cost] = []
    for packet in packets {
      var bytes = packet.bytes
      now = now.advanced(byMilliseconds: 20)
      let path = call.path
      var isAccepted = false
      unsafe bytes.withUnsafeMutableBytes { bytes in
        let cost = Cost.of {
          isAccepted =
            unsafe call.session.handle(bytes, from: path, at: now, into: &outbox) == .accepted
          call.session.handleTimeout(at: now, into: &outbox)
        }
        // A turn in which RTCP went out as well protects one packet more.
        if outbox.count == 1 { costs.append(cost) }
      }
      #expect(isAccepted)
      sent += outbox.count
      outbox.clear()
    }
    #expect(sent >= packets.count)
    #expect(costs.count >= 10)
    for cost in costs {
      #expect(cost.mallocs == 0)
      #expect(cost.objects == 0)
    }
  }
}
