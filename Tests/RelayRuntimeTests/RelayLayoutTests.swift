import Json
import Machine
import RelayCore
import Settings
import TestSupport
import Testing
import Token
import Wire

@testable import RelayRuntime

/// What `--explain` says, of machines that are presented.
@Suite struct RelayLayoutTests {
  private let listener = TransportAddress(ipv4: 0xC000_0201, port: 3478)

  private func options(workers: Int, _ steering: SteeringMode = .cpu) -> RelayOptions {
    var random = SeededRandom(seed: 1)
    let entry = TransceiverEntry(
      id: TransceiverID(node: 1, shard: 0),
      address: TransportAddress(ipv4: 0x7F00_0001, port: 4000))
    var options = RelayOptions(
      listeners: [listener], trunk: TransportAddress(ipv4: 0x7F00_0001, port: 5000),
      transceivers: [entry], keys: RoutingKeys.generate(random: &random))
    options.workers = workers
    options.steering = steering
    return options
  }

  private func layout(
    _ options: RelayOptions, _ files: [String: String] = FakeMachine.twoNodes
  ) throws -> RelayLayout {
    let machine = try FakeMachine(files)
    let bare = TransportAddress(ipv4: 0xC000_0201, port: 0)
    return try RelayLayout(options, MachineFiles(root: machine.root), addresses: [bare: "eth1"])
  }

  /// The part of an explanation between a heading that begins so and the next empty line.
  private func section(_ heading: String, of text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let from = lines.drop { !$0.hasPrefix(heading) }
    return from.prefix { !$0.isEmpty }.joined(separator: "\n")
  }

  @Test func theTablesOfAMachineWithTwoNodes() throws {
    let text = try layout(options(workers: 3)).text(.works)
    #expect(
      section("WORKER", of: text) == """
        WORKER  CPU  NODE  RECEIVES              SENDS  SERVES CPUS  TRUNK
        0       4    1     eth1 rx-0, eth1 rx-1  -      2,4-5,9,13   127.0.0.1:5000
        1       7    1     eth1 rx-2             -      0,3,7,10,15  127.0.0.1:5001
        2       12   1     eth1 rx-3             -      1,8,11-12    127.0.0.1:5002
        """)
    #expect(
      section("LISTENER", of: text) == """
        LISTENER  ADDRESS         ON    COMES IN BY  SOCKETS (SLOT:WORKER)
        0         192.0.2.1:3478  eth1  eth1         0:0 1:1 2:2
        """)
    #expect(
      section("QUEUE", of: text) == """
        QUEUE      NODE  IRQ  RECEIVED ON CPUS  BECAUSE OF  WORKER
        eth1 rx-0  1     40   4                 interrupt   0
        eth1 rx-1  1     41   5                 interrupt   0
        eth1 rx-2  1     42   7                 interrupt   1
        eth1 rx-3  1     43   12                interrupt   2
        """)
    #expect(section("STEERING", of: text).hasPrefix("STEERING   cpu, by eBPF\n"))
    #expect(text.contains("\n5     1     no           0\n"))
    #expect(text.contains("route table of 32768 routes"))
    #expect(text.allSatisfy { $0 != "\t" })
  }

  @Test func theSameAsJson() throws {
    let text = try layout(options(workers: 3)).json(.works)
    let json = try JsonValue.parse(Array(text.utf8), file: "explain")
    #expect(json["steering"]?["by"]?.text == "ebpf" && json["steering"]?["refused"] == .null)
    guard case .array(let workers) = json["workers"], case .array(let cpus) = json["cpus"],
      case .array(let interfaces) = json["interfaces"]
    else {
      Issue.record("\(text)")
      return
    }
    #expect(workers.map { $0["cpu"] } == [.integer(4), .integer(7), .integer(12)])
    #expect(workers[0]["receives"] == .array([.text("eth1 rx-0"), .text("eth1 rx-1")]))
    #expect(workers[0]["route_table_bytes"] == .integer(RouteTable.bytes(routesMax: 32_768)))
    #expect(cpus.count == 14)
    #expect(interfaces.map { $0["name"]?.text } == ["eth1"])
    #expect(interfaces[0]["node"] == .integer(1))
  }

  @Test func whatIsRefusedIsSaidWithWhatWouldBe() throws {
    let layout = try layout(options(workers: 2))
    let state = SteeringState.refused("cannot load: Operation not permitted")
    let text = layout.text(state)
    #expect(text.contains("STEERING   cpu is wanted; eBPF is refused: the kernel's own hash"))
    #expect(text.contains("cannot load: Operation not permitted. With CAP_BPF"))
    #expect(text.contains("a socket's queue gets 212992 bytes"))
    let json = try JsonValue.parse(Array(layout.json(state).utf8), file: "explain")
    #expect(json["steering"]?["by"]?.text == "so_incoming_cpu")
    let flow = try self.layout(options(workers: 2, .flow))
    #expect(flow.text(state).contains("STEERING   flow is wanted; eBPF is refused"))
  }

  @Test func workersWithoutAQueueAreNamed() throws {
    // The fourth has the interrupt of CPU 5, the other thread of its core.
    let idle = "No queue is received where these workers serve: 4. They"
    #expect(try layout(options(workers: 5)).text(.works).contains(idle))
    #expect(try !layout(options(workers: 3)).text(.works).contains("No queue is received"))
    let many = try layout(options(workers: 20)).text(.works)
    #expect(many.contains("more workers than the 13 CPUs"))
  }

  @Test func queuesFarFromEveryWorkerAreNamed() throws {
    var files = FakeMachine.twoNodes
    files["proc/self/status"] = "Cpus_allowed_list:\t0-3\n"
    let text = try layout(options(workers: 2), files).text(.works)
    for queue in 0...3 { #expect(text.contains("eth1 rx-\(queue) is received on a node")) }
  }

  @Test func unboundWorkersNeedNoMachine() throws {
    let text = try layout(options(workers: 2, .flow), [:]).text(.works)
    #expect(section("WORKER", of: text).contains("0       any  any"))
    #expect(!text.contains("CPUS  NODE"))
    #expect(throws: RelayFailure.self) { try layout(options(workers: 2), [:]) }
  }

  @Test func aMachineThatDoesNotTellIsSaidToBeSo() throws {
    let files = ["sys/devices/system/cpu/online": "0-1\n"]
    let text = try layout(options(workers: 2), files).text(.works)
    #expect(text.contains("does not tell on which CPUs"))
  }

  @Test func whatKeepsItFromStartingIsSaid() throws {
    var options = options(workers: 2)
    options.transceivers = []
    #expect(try layout(options).text(.works).contains("would not start: no transceiver is given"))
  }

  @Test func howPacketsLeaveIsSaid() throws {
    var options = options(workers: 2)
    #expect(try layout(options).text(.works).contains("TRANSMIT   udp"))
    options.transmit = .frames
    let layout = try layout(options)
    #expect(layout.text(.works).contains("TRANSMIT   frames: by AF_XDP"))
    let root = try JsonValue.parse(Array(layout.json(.works).utf8))
    #expect(root["steering"]?["transmit"]?.text == "frames")
    let frames = try #require(layout.memoryParts.first { $0.name.hasPrefix("frames") })
    #expect(frames.count == 2 && frames.bytes > 2 << 20)
  }

  @Test func theTablesSizeIsWhatAWorkerTakes() throws {
    for routesMax in [64, 1000, 32_768] {
      var options = options(workers: 2)
      options.routesMax = routesMax
      let flows = FlowMemory.allocate(routesMax: routesMax)
      defer { flows.deallocate() }
      #expect(unsafe try layout(options).routeTableBytes == flows.routes.count)
      #expect(unsafe flows.routes.count == 56 * routesMax)
    }
  }
}
