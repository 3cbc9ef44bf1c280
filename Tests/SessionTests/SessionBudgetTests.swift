import Session
import TestSupport
import Testing
import Wire

/// A connected call's media allocates nothing. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of a session", .serialized, .enabled(if: Cost.isMeasurable))
struct SessionBudgetTests {
  @Test("a packet of voice in, and a tick with a packet out")
  func media() throws {
    let call = try CallPair()
    call.run(2_000)
    #expect(call.isConnected)
    // Packets that are on their way already, to be handed over under the probe.
    call.network = { _ in [] }
    let before = call.sent.count
    call.run(400)
    let packets = call.sent[before...].filter { $0.way == .up && $0.bytes.count > 80 }
    try #require(packets.count >= 15)
    var outbox = SessionOutbox()
    var accepted = 0
    var sent = 0
    var now = call.now
    var mallocs: UInt64 = 0
    for packet in packets {
      var bytes = packet.bytes
      now = now.advanced(byMilliseconds: 20)
      let path = call.path
      unsafe bytes.withUnsafeMutableBytes { bytes in
        let cost = Cost.of {
          if unsafe call.session.handle(bytes, from: path, at: now, into: &outbox) == .accepted {
            accepted += 1
          }
          call.session.handleTimeout(at: now, into: &outbox)
        }
        mallocs += cost.mallocs + cost.objects
      }
      sent += outbox.count
      outbox.clear()
    }
    #expect(accepted == packets.count)
    #expect(sent >= packets.count)
    #expect(mallocs == 0)
  }
}
