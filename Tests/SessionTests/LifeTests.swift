import CallClient
import Session
import Testing
import Wire

/// Which signs keep a call alive: what a client sends now. What somebody sends again does not.
@Suite("Signs of life")
struct LifeTests {
  private enum Kind { case check, answer, media, control, other }

  private static func kind(_ bytes: [UInt8]) -> Kind {
    guard bytes.count > 1 else { return .other }
    switch (bytes[0], bytes[1]) {
    case (0, 1): return .check
    case (1, 1): return .answer
    case (128...191, 192...223): return .control
    case (128...191, _): return .media
    default: return .other
    }
  }

  /// A connected call of which the network then carries only these of the client's datagrams.
  private func makeCall(carrying kinds: Set<Kind>) throws -> CallPair {
    let call = try CallPair(keepsConsent: kinds.contains(.check))
    call.run(1_000)
    #expect(call.isConnected)
    call.network = { $0.way == .down || kinds.contains(Self.kind($0.bytes)) ? [1] : [] }
    return call
  }

  @Test(
    "each sign alone keeps a call",
    arguments: [[Kind.media], [.control], [.answer], [.check]])
  private func alone(kinds: Set<Kind>) throws {
    let call = try makeCall(carrying: kinds)
    call.run(100_000)
    #expect(call.session.end == nil)
    call.network = { $0.way == .up ? [] : [1] }
    // The last answer may have come 5 s before.
    call.run(24_000)
    #expect(call.session.end == nil)
    call.run(11_000)
    #expect(call.session.end == .consentLost)
  }

  @Test("a client without checks hears its voice all the time, and is asked each 5 s")
  func withoutChecks() throws {
    let call = try makeCall(carrying: [.media, .control, .answer])
    let before = call.client.figures.packetsReceived
    call.run(60_000)
    #expect(call.isConnected)
    #expect(call.client.figures.packetsReceived >= before + 2_950)
    #expect((10...12).contains(requests(call)))
  }

  @Test("a client that checks is never asked")
  func withChecks() throws {
    let call = try CallPair()
    call.run(60_000)
    #expect(requests(call) == 0)
  }

  /// How often the client was asked, not counting the requests of the set-up.
  private func requests(_ call: CallPair) -> Int {
    let own = call.sent.filter { $0.way == .down && Self.kind($0.bytes) == .check }.count
    return own - Self.proofs
  }

  /// The path's proof, once.
  private static let proofs = 1

  @Test("copies of everything that a client ever sent keep no call that it has left")
  func copies() throws {
    let call = try CallPair()
    call.run(20_000)
    let copies = call.sent.filter { $0.way == .up && Self.kind($0.bytes) != .check }
    call.network = { $0.way == .up ? [] : [1] }
    var stranger = call.path
    stranger.client = TransportAddress(ipv4: 0xC633_6407, port: 6_666)
    let checks = call.sent.filter { $0.way == .up && Self.kind($0.bytes) == .check }
    for second in 1...40 {
      for copy in copies.suffix(400) { call.inject(copy.bytes) }
      for check in checks {
        call.inject(check.bytes, by: stranger)
        for copy in copies.suffix(20) { call.inject(copy.bytes, by: stranger) }
      }
      call.run(1_000)
      #expect(second > 28 || call.session.end == nil)
    }
    #expect(call.session.end == .consentLost)
  }

  /// Each is new to the replay window, which has a gap where it was kept back.
  @Test("what somebody has kept back keeps no call that its client has left")
  func keptBack() throws {
    let call = try CallPair()
    call.run(18_000)
    var kept: [[UInt8]] = []
    call.network = { datagram in
      guard datagram.way == .up, datagram.index % 4 == 0,
        [.media, .control].contains(Self.kind(datagram.bytes))
      else { return [1] }
      kept.append(datagram.bytes)
      return []
    }
    call.run(2_000)
    call.network = { $0.way == .up ? [] : [1] }
    #expect(kept.count >= 20)
    var accepted = 0
    for copy in kept {
      call.run(1_500)
      if call.inject(copy) == .accepted { accepted += 1 }
    }
    #expect(accepted >= 15)
    #expect(call.session.end == .consentLost)
    guard case .ended(_, let milliseconds)? = call.events.last else { return }
    #expect(milliseconds <= 51_000)
  }
}
