import CPacketLoop
import CSteering
import Glibc
import Testing

/// Claiming an address that workers are to share: what comes meanwhile is somewhere, and counted.
@Suite struct ClaimTests {
  @Test func aClaimIsAgainstEverybodyUntilItIsShared() throws {
    let claim = try UdpSocket(.loopback(port: 0))
    #expect(throws: SetUpError.self) { try UdpSocket(claim.address, sharesPort: true) }
    var error = pl_error()
    #expect(unsafe pl_claim_share(claim.descriptor, &error) == 0)
    _ = try UdpSocket(claim.address, sharesPort: true)
    #expect(throws: SetUpError.self) { try UdpSocket(claim.address) }
  }

  @Test func aGroupCannotBeClaimed() throws {
    let member = try UdpSocket(.loopback(port: 0), sharesPort: true)
    let error = try #require(throws: SetUpError.self) { try UdpSocket(member.address) }
    #expect(error.description.contains("process \(getpid())"))
  }

  /// Every datagram that came during the start is with the claim or with a worker; once the program
  /// steers, none comes to the claim any more.
  @Test(.enabled(if: SteeredGroup.isPermitted, "needs a right: CAP_BPF, to load eBPF"))
  func whatComesToAClaimIsCounted() throws {
    let clients = try (0..<100).map { _ in try UdpSocket(.loopback(port: 0)) }
    let claim = try UdpSocket(.loopback(port: 0))
    for client in clients { try client.send(SteeredGroup.rtp(1), to: claim.address) }
    var error = pl_error()
    #expect(unsafe pl_claim_share(claim.descriptor, &error) == 0)
    let group = try SteeredGroup(slots: 2, filled: 2, local: claim.address)
    for client in clients { try group.send(SteeredGroup.rtp(2), from: client) }
    #expect(try group.settledCounters().by_flow == 100)
    #expect(group.arrivals(100).count == 100)
    #expect(pl_claim_empty(claim.descriptor) == 100)
    #expect(pl_claim_empty(claim.descriptor) == 0)
  }

  // MARK: - Both IP versions

  /// One socket for both: IPv4 peers are shown, and reached, in their own form.
  @Test func anIPv6WildcardThatTakesIPv4() throws {
    let loop = try TestLoop()
    let server = try loop.addSocket(local: pl_address(), takesIPv4: true)
    let port = server.address.port
    let four = try UdpSocket(.loopback(port: 0))
    let six = try UdpSocket(.ipv6Loopback(port: 0))
    try four.send([4], to: .loopback(port: port))
    try six.send([6], to: .ipv6Loopback(port: port))
    unsafe loop.handlers.onBatch = { loop, seen in
      for datagram in seen {
        var peer = datagram.peer
        unsafe pl_loop_send(loop, datagram.socket, datagram.bytes, 1, &peer)
        unsafe pl_loop_flush(loop)
      }
    }
    loop.run(untilSeen: 2)
    #expect(loop.handlers.datagrams.map(\.peer.port) == [four.address.port, six.address.port])
    #expect(loop.handlers.datagrams[0].peer.ip.10 == 0xFF, "IPv4 is shown in mapped form")
    #expect(four.receive() == [4] && six.receive() == [6])
    #expect(loop.counters.sent == 2)
  }
}
