import CPacketLoop
import Glibc
import RelayCore
import Testing
import Token
import Trunk
import Wire

@testable import RelayRuntime

/// What a relay's listeners take, and that nobody else has their addresses.
@Suite(.serialized) struct ListenerTests {
  private func relay(
    _ transceiver: FakeTransceiver, listen: [String], workers: Int = 1, more: [String] = []
  ) throws -> RelayProcess {
    try RelayProcess(
      listen: listen, transceivers: [(transceiver.id, transceiver.trunk.address)],
      workers: workers, more: more)
  }

  private func local(_ port: UInt16, isIPv4: Bool = true) -> TransportAddress {
    isIPv4
      ? TransportAddress(ipv4: 0x7F00_0001, port: port)
      : TransportAddress(high: 0, low: 1, port: port)
  }

  /// What a relay says that cannot start.
  private func refusal(_ body: () throws -> RelayProcess) -> String {
    do {
      let relay = try body()
      return "it started at \(relay.listeners)"
    } catch {
      return "\(error)"
    }
  }

  /// A relay on a port that was free a moment ago; another one when somebody was faster.
  private func relayOnFreePort(
    _ body: (UInt16) throws -> RelayProcess
  ) throws -> RelayProcess {
    for _ in 0..<5 {
      let port = try UdpSocket().address.port
      if let relay = try? body(port) { return relay }
    }
    return try body(try UdpSocket().address.port)
  }

  /// Sends a check from a client of each version, has it answered, and gives the listeners that
  /// they came to.
  private func listeners(
    of relay: RelayProcess, _ transceiver: FakeTransceiver, port: UInt16
  ) throws -> [Int] {
    try [true, false].map { isIPv4 in
      let client = try UdpSocket(isIPv4: isIPv4)
      client.send(transceiver.check(relay.keys), to: local(port, isIPv4: isIPv4))
      let arrival = try #require(transceiver.receive(relay.keys))
      #expect(arrival.frame.client == client.address, "an IPv4 client has one spelling")
      transceiver.answer(arrival, [7], keys: relay.keys)
      let answer = try #require(client.receive())
      #expect(answer.bytes == [7] && answer.peer == local(port, isIPv4: isIPv4))
      client.send([UInt8](repeating: 0x80, count: 172), to: local(port, isIPv4: isIPv4))
      #expect(transceiver.receive(relay.keys)?.frame.client == client.address)
      return Int(arrival.frame.listener)
    }
  }

  // MARK: - IP versions

  @Test(arguments: ["flow", "cpu", "kernel"])
  func theIPv6WildcardTakesIPv4(steering: String) throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try self.relay(
      transceiver, listen: ["[::]:0"], workers: 2, more: ["--steering", steering])
    let port = relay.listeners[0].port
    #expect(try listeners(of: relay, transceiver, port: port) == [0, 0])
    #expect(relay.log.contains("[::]:\(port) takes IPv4 too"))
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    #expect(counters["client_forwarded_by_route"] == 2 && counters["frame_delivered"] == 2)
    #expect(counters["send_failures"] == 0 && counters["frame_misaddressed"] == 0)
  }

  @Test func bothWildcardsOnOnePort() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relayOnFreePort {
      try self.relay(transceiver, listen: ["0.0.0.0:\($0)", "[::]:\($0)"])
    }
    let port = relay.listeners[0].port
    #expect(relay.listeners.map(\.port) == [port, port])
    #expect(try listeners(of: relay, transceiver, port: port) == [0, 1])
    #expect(!relay.log.contains("takes IPv4 too"))
  }

  @Test func anAddressAndTheWildcardAroundIt() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relayOnFreePort {
      try self.relay(transceiver, listen: ["[::1]:\($0)", "[::]:\($0)"])
    }
    let port = relay.listeners[0].port
    #expect(try listeners(of: relay, transceiver, port: port) == [1, 0])
  }

  // MARK: - Ports that are taken

  @Test func aSecondRelayIsRefusedAndNamesTheFirst() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let first = try self.relay(transceiver, listen: ["127.0.0.1:0"], workers: 2)
    let port = first.listeners[0].port
    let ipv4 = "127.0.0.1:\(port)"
    // The IPv6 wildcard would have taken its clients, too.
    for address in [ipv4, "0.0.0.0:\(port)", "[::]:\(port)"] {
      let sentence = refusal { try relay(transceiver, listen: [address]) }
      #expect(
        sentence.contains(
          "cannot bind \(address)/udp: Address already in use (by martlet-relay, process "
            + "\(first.processID))"))
    }
    // Whoever does not start takes nothing.
    for _ in 0..<20 {
      let client = try UdpSocket()
      client.send(transceiver.check(first.keys), to: first.listeners[0])
      #expect(transceiver.receive(first.keys)?.frame.client == client.address)
    }
  }

  /// A group of this user's that any socket may join.
  @Test func aGroupOfAnotherProgramIsNotJoined() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    var options = pl_socket_options()
    options.local.ip.10 = 0xFF
    options.local.ip.11 = 0xFF
    options.reuse_port = 1
    var bound = pl_address()
    var error = pl_error()
    let descriptor = unsafe pl_socket_open(&options, &bound, &error)
    defer { close(descriptor) }
    let sentence = refusal { try relay(transceiver, listen: ["127.0.0.1:\(bound.port)"]) }
    #expect(sentence.contains("Address already in use (by "))
    // Children that other tests start at this moment have the socket as well until they exec.
    #expect(sentence.contains(", process "))
  }

  @Test func aTrunkPortThatIsTakenNamesItsOwner() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let trunk = try UdpSocket()
    let sentence = refusal {
      try relay(transceiver, listen: ["127.0.0.1:0"], more: ["--trunk", "\(trunk.address)"])
    }
    #expect(sentence.contains("cannot bind \(trunk.address)/udp: Address already in use (by "))
    // Children that other tests start at this moment have the socket as well until they exec.
    #expect(sentence.contains(", process "))
  }

  // MARK: - The rules

  private func options(_ texts: String...) throws -> RelayOptions {
    var random = SeededRandom(seed: 1)
    return RelayOptions(
      listeners: try texts.map { try #require(TransportAddress($0)) }, trunk: local(0),
      transceivers: [], keys: RoutingKeys.generate(random: &random))
  }

  @Test func whichVersionsAListenerTakes() throws {
    func versions(_ options: RelayOptions) -> [IPVersions] {
      options.listeners.indices.map { options.ipVersions(of: $0) }
    }
    #expect(versions(try options("[::]:3478")) == [.both])
    #expect(versions(try options("[::]:3478", "0.0.0.0:3479")) == [.both, .ipv4])
    #expect(versions(try options("0.0.0.0:3478", "[::]:3478")) == [.ipv4, .ipv6])
    #expect(versions(try options("[::]:3478", "192.0.2.1:3478")) == [.ipv6, .ipv4])
    #expect(versions(try options("[2001:db8::1]:3478")) == [.ipv6])
    // Two ports that the kernel is to choose are not the same.
    #expect(versions(try options("[::]:0", "0.0.0.0:0")) == [.both, .ipv4])
  }

  @Test func whichAddressesAWildcardCovers() throws {
    let mixed = try options("192.0.2.1:1", "0.0.0.0:1", "[::1]:1", "192.0.2.1:2", "0.0.0.0:3")
    #expect(
      mixed.listeners.indices.map { mixed.isCovered($0) } == [true, false, false, false, false])
  }
}
