import Crypto
import Glibc
import Testing
import Token
import Trunk
import Wire

/// The real program on the loopback interface, between sockets that play a client and a
/// transceiver.
@Suite(.serialized) struct RelayProcessTests {
  private let media = [UInt8](repeating: 0x80, count: 172)

  private func relay(
    _ transceivers: [FakeTransceiver], listen: [String] = ["127.0.0.1:0"], workers: Int = 1,
    more: [String] = []
  ) throws -> RelayProcess {
    try RelayProcess(
      listen: listen, transceivers: transceivers.map { ($0.id, $0.trunk.address) },
      workers: workers, more: more)
  }

  /// Also where frames are wanted and the loopback interface takes none.
  @Test(arguments: ["udp", "frames"]) func aCallGoesThrough(transmit: String) throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let other = try FakeTransceiver(node: 1, shard: 1)
    let relay = try relay([other, transceiver], more: ["--transmit", transmit])
    let client = try UdpSocket()
    let check = transceiver.check(relay.keys)
    client.send(check, to: relay.listeners[0])
    let first = try #require(transceiver.receive(relay.keys))
    #expect(first.bytes == check)
    #expect(first.frame.client == client.address)
    #expect(first.frame.listener == 0 && first.ingress == 3)
    transceiver.answer(first, [1, 1, 0, 0], keys: relay.keys)
    let answer = try #require(client.receive())
    #expect(answer.bytes == [1, 1, 0, 0] && answer.peer == relay.listeners[0])
    client.send(media, to: relay.listeners[0])
    #expect(transceiver.receive(relay.keys)?.bytes == media)
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    #expect(counters["client_forwarded_by_token"] == 1)
    #expect(counters["client_forwarded_by_route"] == 1)
    #expect(counters["frame_delivered"] == 1)
    #expect(counters["client_total"] == 2 && counters["trunk_total"] == 1)
    #expect(counters["received"] == 3 && counters["sent"] == 3)
    #expect(other.trunk.receive(milliseconds: 0) == nil)
  }

  @Test func whatIsForgedIsRefusedAndCounted() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], more: ["--steering", "kernel"])
    let client = try UdpSocket()
    var random = SecureRandom()
    let foreign = RoutingKeys.generate(random: &random)
    let good = transceiver.check(relay.keys)
    client.send(transceiver.check(relay.keys, signedWith: foreign), to: relay.listeners[0])
    client.send(transceiver.check(relay.keys, cluster: 8), to: relay.listeners[0])
    client.send(Array(good.dropLast(32)), to: relay.listeners[0])
    client.send(media, to: relay.listeners[0])
    client.send(good, to: relay.listeners[0])
    let arrival = try #require(transceiver.receive(relay.keys))
    #expect(arrival.bytes == good)
    transceiver.answer(arrival, [1], keys: foreign)
    transceiver.answer(arrival, [2], keys: relay.keys)
    #expect(client.receive()?.bytes == [2])
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    #expect(counters["client_token_forged"] == 1)
    #expect(counters["client_other_cluster"] == 1)
    #expect(counters["client_stun_malformed"] == 1)
    #expect(counters["client_without_route"] == 1)
    #expect(counters["trunk_forged"] == 1)
    #expect(counters["client_total"] == 5 && counters["trunk_total"] == 2)
  }

  @Test func bothFamiliesListen() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], listen: ["127.0.0.1:0", "[::1]:0"])
    for (number, listener) in relay.listeners.enumerated() {
      let client = try UdpSocket(isIPv4: listener.isIPv4)
      client.send(transceiver.check(relay.keys), to: listener)
      let arrival = try #require(transceiver.receive(relay.keys))
      #expect(Int(arrival.frame.listener) == number)
      #expect(arrival.frame.client == client.address)
      transceiver.answer(arrival, [7], keys: relay.keys)
      let answer = try #require(client.receive())
      #expect(answer.bytes == [7] && answer.peer == listener)
    }
    #expect(relay.end() == 0)
  }

  /// Sixty clients over two workers: every packet arrives, every answer finds its client, and the
  /// workers' counters add up to what was sent.
  @Test(arguments: ["flow", "cpu", "kernel"]) func twoWorkersShareTheClients(steering: String)
    throws
  {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], workers: 2, more: ["--steering", steering])
    let clients = try (0..<60).map { _ in try UdpSocket() }
    var relays: Set<TransportAddress> = []
    for (number, client) in clients.enumerated() {
      let check = transceiver.check(relay.keys)
      client.send(check, to: relay.listeners[0])
      let arrival = try #require(transceiver.receive(relay.keys))
      #expect(arrival.bytes == check && arrival.frame.client == client.address)
      relays.insert(arrival.relay)
      transceiver.answer(arrival, [UInt8(number)], keys: relay.keys)
    }
    for (number, client) in clients.enumerated() {
      #expect(client.receive()?.bytes == [UInt8(number)])
    }
    // In cpu mode all of them may arrive on one CPU.
    if steering != "cpu" { #expect(relays.count == 2) }
    for client in clients {
      client.send(media, to: relay.listeners[0])
      #expect(transceiver.receive(relay.keys)?.frame.client == client.address)
    }
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    #expect(counters["client_total"] == 120 && counters["trunk_total"] == 60)
    #expect(counters["client_forwarded_by_token"] == 60)
    #expect(counters["client_forwarded_by_route"] == 60)
    #expect(counters["frame_delivered"] == 60)
    #expect(counters["send_failures"] == 0)
  }

  /// What no client sends is dropped in the kernel where BPF is allowed; where it is not, the log
  /// says so and the worker drops and counts it. Either way nothing goes unaccounted.
  @Test func junkIsDroppedBeforeOrByTheWorker() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], workers: 2)
    let client = try UdpSocket()
    let junk: [[UInt8]] = [[0x50, 1, 2], [0xFF], [0, 1, 0, 0], [22, 3, 1, 0], [0x80, 0]]
    for bytes in junk { client.send(bytes, to: relay.listeners[0]) }
    client.send(transceiver.check(relay.keys), to: relay.listeners[0])
    _ = try #require(transceiver.receive(relay.keys))
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    let isSteered = relay.log.contains("steering=flow")
    #expect(isSteered != relay.log.contains("the kernel's own hash"))
    #expect(counters["dropped_in_kernel"] == (isSteered ? 5 : 0))
    #expect(counters["client_total"] == (isSteered ? 1 : 6))
  }

  @Test func aRestartedRelayLearnsFromWhatFlowsBack() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver])
    let client = try UdpSocket()
    client.send(transceiver.check(relay.keys), to: relay.listeners[0])
    let path = try #require(transceiver.receive(relay.keys))
    // A client that this relay has never heard of, as after a restart.
    let stranger = try UdpSocket()
    var learned = path
    learned.frame.client = stranger.address
    transceiver.answer(learned, [5], keys: relay.keys)
    #expect(stranger.receive()?.bytes == [5])
    stranger.send(media, to: relay.listeners[0])
    #expect(transceiver.receive(relay.keys)?.frame.client == stranger.address)
    #expect(relay.end() == 0)
    #expect(relay.statistics()["route_learned"] == 1)
  }

  @Test(arguments: [SIGTERM, SIGINT]) func aStopLeavesNothing(signal: Int32) throws {
    // Another test may be given the port that is free again; not each of five.
    #expect(try (0..<5).contains { _ in try isGone(by: signal) })
  }

  /// Whether the port of a relay that was stopped can be had again at once, without sharing it.
  private func isGone(by signal: Int32) throws -> Bool {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], workers: 2)
    let port = relay.listeners[0]
    #expect(relay.end(by: signal) == 0)
    #expect(relay.log.contains("stopped"))
    guard let again = try? self.relay([transceiver], listen: [port.description]) else {
      return false
    }
    #expect(again.listeners == [port])
    #expect(again.end() == 0)
    return true
  }

  @Test func aTakenPortIsNamed() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let squatter = try UdpSocket()
    let failure = #expect(throws: RelayProcess.Failure.self) {
      _ = try relay([transceiver], listen: [squatter.address.description])
    }
    #expect(failure?.description.contains("\(squatter.address.port)") == true)
  }

  @Test func aReportComesWhenAskedFor() throws {
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try relay([transceiver], workers: 2, more: ["--stats-seconds", "1"])
    let client = try UdpSocket()
    client.send(transceiver.check(relay.keys), to: relay.listeners[0])
    let path = try #require(transceiver.receive(relay.keys))
    transceiver.answer(path, [1], keys: relay.keys)
    _ = client.receive()
    // Waits for the event itself; the bound only ends a test that would never end.
    for _ in 0..<1_200 where relay.statistics()["frame_delivered"] != 1 { usleep(50_000) }
    #expect(relay.statistics()["frame_delivered"] == 1)
    #expect(relay.statistics()["routes"] == 1)
    #expect(relay.end() == 0)
  }
}
