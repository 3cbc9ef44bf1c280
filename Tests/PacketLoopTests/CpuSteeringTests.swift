import CPacketLoop
import CSteering
import Glibc
import Testing

/// The mode in which the CPU that receives a flow's first datagram chooses its worker.
@Suite(.enabled(if: SteeredGroup.isPermitted, "needs a right: CAP_BPF, to load eBPF"))
struct CpuSteeringTests {
  private func clients(_ count: Int) throws -> [UdpSocket] { try SteeringTests.makeClients(count) }

  private func group(slots: Int, staySeconds: UInt32 = 600) throws -> SteeredGroup {
    try SteeredGroup(slots: slots, filled: slots, mode: STEERING_BY_CPU, staySeconds: staySeconds)
  }

  private func all(_ slot: Int, _ count: Int) -> [Int?] { [Int?](repeating: slot, count: count) }

  @Test func itFollowsTheCpuAndFallsBackToTheFlow() throws {
    let group = try group(slots: 2)
    let clients = try clients(60)
    let byFlow = try group.slots(of: clients)
    #expect(try group.settledCounters().by_flow == 60)
    try group.moveCpus(to: 1)
    #expect(try group.slots(of: clients) == all(1, 60))
    #expect(try group.settledCounters().by_cpu == 60)
    try group.check { unsafe steering_set_mode(group.steering, STEERING_BY_FLOW, &$0) }
    #expect(try group.slots(of: clients) == byFlow)
  }

  /// The worker that has a flow's route keeps the flow when another CPU receives it.
  @Test func aFlowStaysWithItsWorkerWhenItsCpuChanges() throws {
    let group = try group(slots: 2)
    try group.moveCpus(to: 1)
    let old = try clients(60)
    #expect(try group.slots(of: old) == all(1, 60))
    try group.moveCpus(to: 0)
    #expect(try group.slots(of: old) == all(1, 60))
    #expect(try group.settledCounters().by_home == 60)
    #expect(try group.settledCounters().by_cpu == 60)
    // Of 60 new flows one meets one of the 60 homes in 16,384 in every fifth such test, five in one
    // of a million.
    let new = try group.slots(of: try clients(60))
    #expect(new.count { $0 == 1 } < 5)
    #expect(!new.contains(nil))
  }

  /// A flow that has been silent for long has no route any more: it may as well move.
  @Test func aSilentFlowGoesToTheWorkerOfItsCpu() throws {
    let group = try group(slots: 2, staySeconds: 0)
    try group.moveCpus(to: 1)
    let clients = try clients(20)
    #expect(try group.slots(of: clients) == all(1, 20))
    try group.moveCpus(to: 0)
    // Homes are timed in ticks of seconds; a flow that speaks keeps its home, so each waits alone.
    var isMoved = [Bool](repeating: false, count: clients.count)
    for (number, client) in clients.enumerated() {
      usleep(UInt32(number + 1) * 1_000_000)
      isMoved[number] = try group.slots(of: [client]) == [0]
      if isMoved[number] { break }
    }
    #expect(isMoved.contains(true))
  }

  @Test func aFlowLeavesAWorkerThatIsGone() throws {
    let group = try group(slots: 2)
    try group.moveCpus(to: 1)
    let clients = try clients(60)
    #expect(try group.slots(of: clients) == all(1, 60))
    try group.moveCpus(to: 0)
    try group.clear(1)
    #expect(try group.slots(of: clients) == all(0, 60))
    // It has a new home now, and the old worker's successor does not take it away.
    try group.fill(1)
    try group.moveCpus(to: 1)
    #expect(try group.slots(of: clients) == all(0, 60))
    #expect(try group.settledCounters().by_kernel == 0)
  }

  /// Junk from a client's address neither gives its flow a home nor counts as steered.
  @Test func junkIsNoFlow() throws {
    let group = try group(slots: 2)
    try group.moveCpus(to: 1)
    let client = try UdpSocket(.loopback(port: 0))
    try group.send([0x50, 1, 2], from: client)
    #expect(try group.settledCounters().dropped_kind == 1)
    try group.moveCpus(to: 0)
    #expect(try group.slots(of: [client]) == [0])
    #expect(try group.settledCounters().by_cpu == 1)
  }

  @Test func mapsGrowWithTheFlows() throws {
    var options = steering_options()
    options.slots = 4
    options.mode = STEERING_BY_CPU
    options.flows = 131_072
    let large = unsafe steering_map_bytes(&options)
    #expect(large > 1 << 20 && large < 2 << 20)
    options.flows = 0
    #expect(unsafe steering_map_bytes(&options) < 256 << 10)
    var error = steering_error()
    options.flows = .max
    let most = unsafe steering_map_bytes(&options)
    #expect(most > 128 << 20 && most < 129 << 20)
    options.flows = 1_000_000
    let steering = unsafe steering_open(&options, &error)
    #expect(unsafe steering != nil)
    unsafe steering_close(steering)
  }
}

/// The same program under IPv6.
@Suite(.enabled(if: SteeredGroup.isPermitted, "needs a right: CAP_BPF, to load eBPF"))
struct IPv6SteeringTests {
  private func group(mode: steering_mode) throws -> SteeredGroup {
    try SteeredGroup(slots: 4, filled: 4, mode: mode, local: .ipv6Loopback(port: 0))
  }

  private func clients(_ count: Int) throws -> [UdpSocket] {
    try (0..<count).map { _ in try UdpSocket(.ipv6Loopback(port: 0)) }
  }

  @Test func flowsStayWithTheirWorker() throws {
    let group = try group(mode: STEERING_BY_FLOW)
    let clients = try clients(200)
    let first = try group.slots(of: clients)
    #expect(Set(first) == [0, 1, 2, 3])
    #expect(try group.slots(of: clients) == first)
    #expect(try group.settledCounters().by_flow == 400)
  }

  @Test func flowsFollowTheirCpuAndStay() throws {
    let group = try group(mode: STEERING_BY_CPU)
    try group.moveCpus(to: 2)
    let clients = try clients(40)
    #expect(try group.slots(of: clients) == [Int?](repeating: 2, count: 40))
    try group.moveCpus(to: 3)
    #expect(try group.slots(of: clients) == [Int?](repeating: 2, count: 40))
    let counters = try group.settledCounters()
    #expect(counters.by_cpu == 40 && counters.by_home == 40)
  }

  /// The kernel's answer at every length is that of the same code in user space.
  @Test func junkIsDroppedAtEveryLength() throws {
    let group = try group(mode: STEERING_BY_FLOW)
    let client = try UdpSocket(.ipv6Loopback(port: 0))
    var kept: [[UInt8]] = []
    var dropped: UInt64 = 0
    for message in [SteeringRulesTests.stunRequest, SteeringRulesTests.dtlsHello] {
      for length in 0...message.count {
        let bytes = Array(message.prefix(length))
        try group.send(bytes, from: client)
        if SteeringRulesTests().verdict(bytes) == STEERING_KEEP {
          kept.append(bytes)
        } else {
          dropped += 1
        }
      }
    }
    #expect(try group.settledCounters().dropped == dropped)
    #expect(group.arrivals(kept.count).map(\.bytes) == kept)
  }

  /// A wildcard socket's group sees both kinds of header.
  @Test func aWildcardGroupIsSteered() throws {
    let group = try SteeredGroup(slots: 2, filled: 2, mode: STEERING_BY_CPU, local: pl_address())
    try group.moveCpus(to: 1)
    let client = try UdpSocket(.ipv6Loopback(port: 0))
    try client.send(SteeringRulesTests.rtp, to: .ipv6Loopback(port: group.address.port))
    #expect(group.workers[1]?.receive() == SteeringRulesTests.rtp)
  }
}
