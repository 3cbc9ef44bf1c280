import CPacketLoop
import CSteering
import Glibc
import Testing

/// A reuseport group of workers under a steering program, and clients that send to it.
@safe final class SteeredGroup {
  let steering: OpaquePointer
  let address: pl_address
  /// One for each slot; nil once its socket is closed or was never there.
  var workers: [UdpSocket?]
  private(set) var datagramsSent: UInt64 = 0

  /// True when the kernel lets this process load the program.
  static let isPermitted: Bool = {
    var error = steering_error()
    var options = steering_options()
    options.slots = 1
    guard let steering = unsafe steering_open(&options, &error) else {
      return !error.not_permitted
    }
    unsafe steering_close(steering)
    return true
  }()

  init(
    slots: Int, filled: Int, mode: steering_mode = STEERING_BY_FLOW, staySeconds: UInt32 = 600,
    local: pl_address = .loopback(port: 0)
  ) throws {
    var error = steering_error()
    var options = steering_options()
    options.slots = UInt32(slots)
    options.mode = mode
    options.stay_seconds = staySeconds
    guard let steering = unsafe steering_open(&options, &error) else {
      throw SetUpError(description: unsafe String(cString: steering_error_text(&error)))
    }
    unsafe self.steering = steering
    let first = try UdpSocket(local, sharesPort: true)
    address = first.address
    workers = [first] + [UdpSocket?](repeating: nil, count: slots - 1)
    for slot in 1..<filled { workers[slot] = try UdpSocket(address, sharesPort: true) }
    for slot in 0..<filled { try fill(slot) }
    try check { unsafe steering_attach(steering, first.descriptor, &$0) }
  }

  deinit { unsafe steering_close(steering) }

  func check(_ call: (inout steering_error) -> Int32) throws {
    var error = steering_error()
    guard call(&error) == 0 else {
      throw SetUpError(description: unsafe String(cString: steering_error_text(&error)))
    }
  }

  /// Puts the slot's socket into it.
  func fill(_ slot: Int) throws {
    let descriptor = try #require(workers[slot]).descriptor
    try check { unsafe steering_set_slot(steering, UInt32(slot), descriptor, &$0) }
  }

  /// Puts a new socket into the slot and returns the one that was there.
  func replace(_ slot: Int) throws -> UdpSocket? {
    let old = workers[slot]
    workers[slot] = try UdpSocket(address, sharesPort: true)
    try fill(slot)
    return old
  }

  func clear(_ slot: Int) throws {
    try check { unsafe steering_clear_slot(steering, UInt32(slot), &$0) }
  }

  /// Has every CPU's datagrams go to `slot`, as when all interrupts are moved at once.
  func moveCpus(to slot: UInt32) throws {
    for cpu in 0..<UInt32(STEERING_CPUS_MAX) {
      try check { unsafe steering_set_cpu(steering, cpu, slot, &$0) }
    }
  }

  func send(_ bytes: [UInt8], from client: UdpSocket) throws {
    try client.send(bytes, to: address)
    datagramsSent += 1
  }

  func counters() throws -> steering_counters {
    var counters = steering_counters()
    try check { unsafe steering_read_counters(steering, &counters, &$0) }
    return counters
  }

  /// Waits until the kernel has seen everything sent, then returns what it counted.
  func settledCounters() throws -> steering_counters {
    let isSettled = try eventually { try counters().total == datagramsSent }
    let result = try counters()
    #expect(isSettled, "\(datagramsSent) sent, \(result.total) counted")
    return result
  }

  /// Lets each client send one RTP datagram and finds the slot whose worker got it.
  func slots(of clients: [UdpSocket]) throws -> [Int?] {
    for (number, client) in clients.enumerated() {
      try send(Self.rtp(UInt16(number)), from: client)
    }
    _ = try settledCounters()
    var slots = [Int?](repeating: nil, count: clients.count)
    for (slot, bytes) in arrivals(clients.count) {
      slots[Int(bytes[2]) << 8 | Int(bytes[3])] = slot
    }
    return slots
  }

  /// What the workers get: `count` datagrams or more. The kernel counts a datagram before it lies
  /// in its worker's queue, so they are waited for.
  func arrivals(_ count: Int) -> [(slot: Int, bytes: [UInt8])] {
    var all: [(slot: Int, bytes: [UInt8])] = []
    _ = eventually {
      for (slot, worker) in workers.enumerated() {
        all += worker?.receiveWaiting().map { (slot, $0) } ?? []
      }
      return all.count >= count
    }
    return all
  }

  static func rtp(_ sequence: UInt16) -> [UInt8] {
    [0x80, 111, UInt8(sequence >> 8), UInt8(sequence & 255)] + [UInt8](repeating: 5, count: 16)
  }
}

extension steering_counters {
  var dropped: UInt64 {
    var copy = self
    return unsafe steering_dropped(&copy)
  }
  var total: UInt64 { by_cpu + by_home + by_flow + by_kernel + dropped }
}

/// The program in the kernel, with live sockets on the loopback network.
@Suite(.enabled(if: SteeredGroup.isPermitted, "needs a right: CAP_BPF, to load eBPF"))
struct SteeringTests {
  static func makeClients(_ count: Int) throws -> [UdpSocket] {
    try (0..<count).map { _ in try UdpSocket(.loopback(port: 0)) }
  }

  @Test func flowsStayWithTheirWorker() throws {
    let group = try SteeredGroup(slots: 4, filled: 4)
    let clients = try Self.makeClients(200)
    let first = try group.slots(of: clients)
    #expect(!first.contains(nil))
    #expect(Set(first) == [0, 1, 2, 3])
    for _ in 0..<5 { #expect(try group.slots(of: clients) == first) }
    #expect(try group.settledCounters().by_flow == 1_200)
  }

  @Test func junkNeverReachesAWorkerAndIsCountedByReason() throws {
    let group = try SteeredGroup(slots: 2, filled: 2)
    let client = try UdpSocket(.loopback(port: 0))
    var stunWithoutCookie = SteeringRulesTests.stunRequest
    stunWithoutCookie[5] = 0
    var tls = SteeringRulesTests.dtlsHello
    tls[1] = 3
    try group.send([], from: client)
    try group.send([0x80, 0, 0], from: client)
    try group.send([UInt8](repeating: 0x80, count: 1_501), from: client)
    try group.send([UInt8](repeating: 0x45, count: 100), from: client)
    try group.send(stunWithoutCookie, from: client)
    try group.send(SteeringRulesTests.stunRequest + [0], from: client)
    try group.send(tls, from: client)
    try group.send(SteeringRulesTests.stunRequest, from: client)
    try group.send(SteeringRulesTests.dtlsHello, from: client)

    let counters = try group.settledCounters()
    #expect(counters.dropped_short == 2)
    #expect(counters.dropped_long == 1)
    #expect(counters.dropped_kind == 1)
    #expect(counters.dropped_stun_cookie == 1)
    #expect(counters.dropped_stun_length == 1)
    #expect(counters.dropped_dtls_version == 1)
    #expect(counters.by_flow == 2)
    #expect(
      group.arrivals(2).map(\.bytes) == [
        SteeringRulesTests.stunRequest, SteeringRulesTests.dtlsHello,
      ])
  }

  /// Whoever forges a client's address must not be able to make the kernel tell that client that
  /// nobody is here: no ICMP error comes back for junk.
  @Test func junkIsDroppedInSilence() throws {
    let group = try SteeredGroup(slots: 2, filled: 2)
    let client = try UdpSocket(.loopback(port: 0))
    try client.connect(to: group.address)  // a connected socket is told of ICMP errors
    for length in 1...50 {
      try group.send([UInt8](repeating: 0x47, count: length), from: client)
    }
    #expect(try group.settledCounters().dropped_kind == 50)
    #expect(client.pendingError == 0)
  }

  /// The kernel's answer at every length is that of the same code in user space.
  @Test func kernelAndUserSpaceAgreeAtEveryLength() throws {
    let group = try SteeredGroup(slots: 1, filled: 1)
    let client = try UdpSocket(.loopback(port: 0))
    for message in [
      SteeringRulesTests.stunRequest, SteeringRulesTests.dtlsHello, SteeringRulesTests.rtp,
    ] {
      for length in 0...message.count {
        let bytes = Array(message.prefix(length))
        try group.send(bytes, from: client)
        let isKept = SteeringRulesTests().verdict(bytes) == STEERING_KEEP
        let counters = try group.settledCounters()
        let arrived = group.arrivals(isKept ? 1 : 0).map(\.bytes)
        #expect(arrived == (isKept ? [bytes] : []), "length \(length), \(counters)")
      }
    }
  }

  @Test func emptyingASlotMovesItsFlowsAlone() throws {
    let group = try SteeredGroup(slots: 4, filled: 4)
    let clients = try Self.makeClients(400)
    let before = try group.slots(of: clients)
    try group.clear(2)
    let during = try group.slots(of: clients)
    for (old, new) in zip(before, during) {
      if old == 2 { #expect(new != nil && new != 2) } else { #expect(new == old) }
    }
    try group.fill(2)
    #expect(try group.slots(of: clients) == before)
    #expect(try group.settledCounters().by_kernel == 0)
  }

  @Test func aNewWorkerTakesNoMoreThanItsShare() throws {
    let group = try SteeredGroup(slots: 5, filled: 4)
    let clients = try Self.makeClients(500)
    let before = try group.slots(of: clients)
    group.workers[4] = try UdpSocket(group.address, sharesPort: true)
    try group.fill(4)
    let after = try group.slots(of: clients)
    var moved = 0
    for (old, new) in zip(before, after) where old != new {
      #expect(new == 4)
      moved += 1
    }
    // A fifth of 500 is 100, with a standard deviation of 9; six of them.
    #expect((46...154).contains(moved), "\(moved) of 500 flows moved")
  }

  @Test func aSocketIsReplacedWhileRunning() throws {
    let group = try SteeredGroup(slots: 3, filled: 3)
    let clients = try Self.makeClients(150)
    let before = try group.slots(of: clients)
    // These wait in the old sockets' queues while slot 1 changes hands.
    for (number, client) in clients.enumerated() {
      try group.send(SteeredGroup.rtp(UInt16(number)), from: client)
    }
    _ = try group.settledCounters()
    let old = try #require(try group.replace(1))
    var waiting = 0
    let isThere = eventually {
      for worker in [group.workers[0]!, group.workers[2]!, old] {
        waiting += worker.receiveWaiting().count
      }
      return waiting >= 150
    }
    #expect(isThere && waiting == 150)
    #expect(try group.slots(of: clients) == before)
    #expect(old.receiveWaiting().isEmpty)
    #expect(try group.settledCounters().by_kernel == 0)
  }

  @Test func aClosedWorkersFlowsFallToTheKernelAndNoOthersMove() throws {
    let group = try SteeredGroup(slots: 4, filled: 4)
    let clients = try Self.makeClients(400)
    let before = try group.slots(of: clients)
    group.workers[3] = nil
    // A child that another test starts at this moment has the socket as well until it execs.
    #expect(eventually { udpSocketCount(onLoopback: group.address.port) == 3 })
    let during = try group.slots(of: clients)
    for (old, new) in zip(before, during) {
      if old == 3 { #expect(new != nil) } else { #expect(new == old) }
    }
    let orphans = UInt64(before.count { $0 == 3 })
    #expect(try group.settledCounters().by_kernel == orphans)
    // Told of it, the program shares the orphans out itself.
    try group.clear(3)
    #expect(try !group.slots(of: clients).contains(nil))
    #expect(try group.settledCounters().by_kernel == orphans)
  }

  @Test func mistakesComeBackAsSentences() throws {
    let group = try SteeredGroup(slots: 2, filled: 1)
    let stranger = try UdpSocket(.loopback(port: 0))
    #expect(throws: SetUpError.self) {
      try group.check { unsafe steering_set_slot(group.steering, 9, stranger.descriptor, &$0) }
    }
    // A socket outside every reuseport group cannot be steered to.
    #expect(throws: SetUpError.self) {
      try group.check { unsafe steering_set_slot(group.steering, 1, stranger.descriptor, &$0) }
    }
    var error = steering_error()
    var options = steering_options()
    let none = unsafe steering_open(&options, &error)
    #expect(unsafe none == nil)
    #expect(!error.not_permitted)
  }
}
