import CallClient
import Session
import Testing
import Wire

@testable import TransceiverRuntime

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
    let rig = try ShardRig()
    let victim = try rig.makeConnectedCall(from: victimAddress)
    let other = try rig.makeConnectedCall(from: address(1))
    let session = try #require(rig.session(of: victim))
    let (before, sent) = (session.figures.rtpAccepted, victim.client.figures.packetsSent)
    rig.inject(other.lastCheck, from: victimAddress)
    rig.run(1_000)
    let taken = session.figures.rtpAccepted - before
    #expect(taken >= 45)
    #expect(taken >= victim.client.figures.packetsSent - sent - 1)
    #expect(rig.session(of: other)?.isConnected == true)
  }

  @Test("nor do forged checks for two others, again and again")
  func forgedChecks() throws {
    let rig = try ShardRig()
    let victim = try rig.makeConnectedCall(from: victimAddress)
    let others = [
      try rig.makeConnectedCall(from: address(1)), try rig.makeConnectedCall(from: address(2)),
    ]
    let session = try #require(rig.session(of: victim))
    let before = session.figures.rtpAccepted
    rig.run(1_000) { millisecond in
      guard millisecond % 10 == 0 else { return }
      rig.inject(others[millisecond / 10 % 2].lastCheck, from: self.victimAddress)
    }
    #expect(session.figures.rtpAccepted >= before + 45)
  }

  @Test("a handshake is not disturbed by a check for another call from the same address")
  func forgedDuringHandshake() throws {
    let rig = try ShardRig()
    let other = try rig.makeConnectedCall(from: address(1))
    let victim = try rig.makeCall(from: victimAddress)
    rig.run(200) { _ in rig.inject(other.lastCheck, from: self.victimAddress) }
    #expect(rig.session(of: victim)?.isConnected == true)
  }

  @Test("the end of a call makes no relay forget a client that another call serves")
  func endOfTheForger() throws {
    let rig = try ShardRig()
    let victim = try rig.makeConnectedCall(from: victimAddress)
    let other = try rig.makeConnectedCall(from: address(1))
    rig.inject(other.lastCheck, from: victimAddress)
    try rig.hangUp(other)
    #expect(rig.ended == [address(1)])
    try rig.hangUp(victim)
    #expect(rig.ended == [address(1), victimAddress])
  }
}
