import Ice
import Testing
import Wire

/// What an address may be sent before it has proved itself: three times what it sent, and once per
/// call three times the offer, 2,400 bytes at most, where media leaves.
@Suite struct IceAllowanceTests {
  private static let helloBytes = 200

  /// How many bytes of datagrams of one byte are let through to `path`.
  private func drain(_ agent: inout IceLiteAgent, _ path: PathID) -> Int {
    var count = 0
    while agent.admitSending(1, to: path) { count += 1 }
    return count
  }

  /// One short check and nothing more: every hello of a handshake and every request gets out.
  @Test func oneShortCheckStarvesNoHandshake() throws {
    var agent = makeAgent(offerByteCount: 900)
    let check = Check().bytes
    #expect(check.count < 113)
    var sent = agent.take(check, from: path(1)).reply.count
    var hellos = 0
    var requests = 0
    for tenth in UInt64(0)...40 {
      let now = start.advanced(byMilliseconds: tenth * 100)
      while let request = agent.nextProof(at: now, seed: tenth) {
        requests += 1
        sent += request.bytes.count
      }
      if tenth % 5 == 0, agent.admitSending(Self.helloBytes, to: path(1)) {
        hellos += 1
        sent += Self.helloBytes
      }
    }
    #expect(hellos >= 8)
    #expect(requests == 5)
    #expect(sent <= 3 * (check.count + 900))
  }

  @Test(arguments: [(0, 0), (100, 300), (799, 2_397), (800, 2_400), (65_536, 2_400)])
  func theOfferCountsThreefoldUpToABound(offer: Int, granted: Int) {
    var agent = makeAgent(offerByteCount: offer)
    let check = Check().bytes
    let reply = agent.take(check, from: path(1)).reply
    #expect(drain(&agent, path(1)) == 3 * check.count - reply.count + granted)
    // What comes counts as before, and what was granted is not granted again.
    agent.noteReceived(10, from: path(1))
    #expect(drain(&agent, path(1)) == 30)
  }

  @Test func onlyWhereMediaLeavesAndOncePerCall() {
    var agent = makeAgent(offerByteCount: 800)
    let check = Check().bytes
    let own = 3 * check.count - agent.take(check, from: path(1)).reply.count
    for port in UInt16(2)...8 {
      _ = agent.take(check, from: path(port))
      #expect(drain(&agent, path(port)) == own)
    }
    #expect(agent.admitSending(own + 2_400, to: path(1)) == true)
    // A nomination moves the handshake, and finds nothing left.
    let nomination = Check(nominates: true).bytes
    let more = 3 * nomination.count - agent.take(nomination, from: path(2)).reply.count
    #expect(agent.selected == path(2))
    #expect(drain(&agent, path(2)) == more)
  }

  @Test func aRefusalTakesNothing() {
    var agent = makeAgent(offerByteCount: 100)
    let check = Check().bytes
    let own = 3 * check.count - agent.take(check, from: path(1)).reply.count
    #expect(agent.admitSending(own + 301, to: path(1)) == false)
    #expect(agent.admitSending(own + 300, to: path(1)) == true)
    #expect(agent.admitSending(1, to: path(1)) == false)
  }
}
