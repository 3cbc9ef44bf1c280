import CallClient
import Session
import Testing
import Wire

@testable import TransceiverCore

/// Whoever has calls of their own may send checks for them from an address that is not theirs. It
/// must not cost the call that lives there a word.
@Suite("Several calls on one path")
struct SharedPathTests {
  private let victimAddress = TransportAddress(ipv4: 0xC000_0201, port: 50_000)

  private func address(_ port: UInt16) -> TransportAddress {
    TransportAddress(ipv4: 0xC633_6407, port: port)
  }

  @Test("a forged check for another call costs the call at that address no packet")
  func forgedCheck() throws {
    let harness = try ShardHarness()
    let victim = try harness.makeConnectedCall(from: victimAddress)
    let other = try harness.makeConnectedCall(from: address(1))
    let session = try #require(harness.session(of: victim))
    let (before, sent) = (session.figures.rtpAccepted, victim.client.figures.packetsSent)
    harness.inject(other.lastCheck, from: victimAddress)
    harness.run(1_000)
    let taken = session.figures.rtpAccepted - before
    #expect(taken >= 45)
    #expect(taken >= victim.client.figures.packetsSent - sent - 1)
    #expect(harness.session(of: other)?.isConnected == true)
  }

  @Test("nor do forged checks for two others, again and again")
  func forgedChecks() throws {
    let harness = try ShardHarness()
    let victim = try harness.makeConnectedCall(from: victimAddress)
    let others = [
      try harness.makeConnectedCall(from: address(1)),
      try harness.makeConnectedCall(from: address(2)),
    ]
    let session = try #require(harness.session(of: victim))
    let before = session.figures.rtpAccepted
    harness.run(1_000) { millisecond in
      guard millisecond % 10 == 0 else { return }
      harness.inject(others[millisecond / 10 % 2].lastCheck, from: self.victimAddress)
    }
    #expect(session.figures.rtpAccepted >= before + 45)
  }

  @Test("a handshake is not disturbed by a check for another call from the same address")
  func forgedDuringHandshake() throws {
    let harness = try ShardHarness()
    let other = try harness.makeConnectedCall(from: address(1))
    let victim = try harness.makeCall(from: victimAddress)
    harness.run(200) { _ in harness.inject(other.lastCheck, from: self.victimAddress) }
    #expect(harness.session(of: victim)?.isConnected == true)
  }

  @Test("the end of a call makes no relay forget a client that another call serves")
  func endOfTheForger() throws {
    let harness = try ShardHarness()
    let victim = try harness.makeConnectedCall(from: victimAddress)
    let other = try harness.makeConnectedCall(from: address(1))
    harness.inject(other.lastCheck, from: victimAddress)
    try harness.hangUp(other)
    #expect(harness.ended == [address(1)])
    try harness.hangUp(victim)
    #expect(harness.ended == [address(1), victimAddress])
  }
}
