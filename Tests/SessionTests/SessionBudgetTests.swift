import CallClient
import Session
import Srtp
import TestSupport
import Testing
import Wire

/// A connected call's media allocates nothing beside what the SRTP library does: Debian's libsrtp2
/// stands on NSS, which takes memory for each AEAD operation. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of a session", .serialized, .enabled(if: Cost.isMeasurable))
struct SessionBudgetTests {
  @Test(
    "a packet of voice in, and a tick with a packet out; an open data channel adds nothing",
    arguments: [[], [ChannelTests.events]])
  func media(channels: [CallerChannelOptions]) throws {
    let library = try Self.costOfProtection()
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
      #expect(cost.mallocs == library.mallocs)
      #expect(cost.objects == 0)
    }
  }

  /// What one unprotect and one protect of a voice packet cost in the library alone.
  private static func costOfProtection() throws -> Cost {
    let master = [UInt8](repeating: 7, count: 28)
    let keys = try #require(SrtpKeys(profile: .aeadAes128Gcm, local: master, remote: master))
    let sender = try #require(SrtpContext(keys: keys))
    let receiver = try #require(SrtpContext(keys: keys))
    var cost = Cost.nothing
    for number in 1...8 {
      var packet: [UInt8] = [0x80, 111, 0, UInt8(number)] + [UInt8](repeating: 9, count: 150)
      unsafe packet.withUnsafeMutableBytes { bytes in
        cost = Cost.of {
          var length = 100
          _ = unsafe sender.protectRtp(bytes, length: &length)
          _ = unsafe receiver.unprotectRtp(bytes, length: &length)
        }
      }
    }
    return cost
  }
}
