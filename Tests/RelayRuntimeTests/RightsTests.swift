import Glibc
import Testing
import Token
import Trunk
import Wire

/// What a relay may do with few of root's rights (capabilities(7)), and what it says without them.
@Suite(.enabled(if: geteuid() == 0, "needs a right: root, to give rights away"))
struct RightsTests {
  /// A relay that has these rights and no others, or none.
  private func relay(
    _ transceiver: FakeTransceiver, rights: [String], steering: String
  ) throws -> RelayProcess {
    let set = (["-all"] + rights.map { "+\($0)" }).joined(separator: ",")
    return try RelayProcess(
      listen: ["127.0.0.1:0"], transceivers: [(transceiver.id, transceiver.trunk.address)],
      workers: 2, more: ["--steering", steering],
      through: ["/usr/bin/setpriv", "--bounding-set=\(set)", "--inh-caps=-all"])
  }

  /// Steering and the junk filter want CAP_BPF, and nothing else.
  @Test(arguments: ["flow", "cpu"]) func onlyBpf(steering: String) throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try self.relay(transceiver, rights: ["bpf"], steering: steering)
    #expect(!relay.log.contains("eBPF is refused"), "\(relay.log)")
    let client = try UdpSocket()
    client.send([0x50, 1, 2, 3], to: relay.listeners[0])
    client.send(transceiver.check(relay.keys), to: relay.listeners[0])
    #expect(transceiver.receive(relay.keys)?.frame.client == client.address)
    #expect(relay.end() == 0)
    #expect(relay.statistics()["junk_kind"] == 1)
  }

  @Test func whatIsMissingIsNamed() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    for rights in [[], ["net_admin", "perfmon"]] {
      let relay = try self.relay(transceiver, rights: rights, steering: "flow")
      #expect(relay.log.contains("eBPF is refused"))
      #expect(relay.log.contains("(CAP_BPF is missing)"))
      let client = try UdpSocket()
      client.send(transceiver.check(relay.keys), to: relay.listeners[0])
      #expect(transceiver.receive(relay.keys)?.frame.client == client.address)
    }
  }
}
