import Machine
import TestSupport
import Testing

@testable import RelayRuntime

/// Which worker runs where, on machines that are presented.
@Suite struct PlacementTests {
  /// Two nodes, sixteen threads of eight cores, holes; `FakeMachine.twoNodes` says more.
  private let processors: Processors
  private let near: NetworkInterface
  private let far: NetworkInterface

  init() throws {
    let machine = try FakeMachine(FakeMachine.twoNodes)
    let files = MachineFiles(root: machine.root)
    processors = try #require(Processors(files))
    near = NetworkInterface("eth0", files)
    far = NetworkInterface("eth1", files)
  }

  private func cpus(_ workers: Int, _ interfaces: [NetworkInterface]) -> [Int] {
    let placement = Placement(workers: workers, processors: processors, interfaces: interfaces)
    return (0..<workers).map { placement.cpu(of: $0) }
  }

  @Test func workersGoWhereTheQueuesInterrupt() {
    // CPU 5 interrupts as well, but this process may not run there.
    #expect(cpus(3, [far]) == [4, 7, 12])
    #expect(cpus(2, [near]) == [0, 1])
  }

  @Test func moreWorkersThanQueuesStayOnTheInterfacesNode() {
    // First a core that has no worker, then the other thread of one.
    #expect(cpus(5, [far]) == [4, 7, 12, 13, 15])
    // Then the other node.
    #expect(cpus(7, [far]) == [4, 7, 12, 13, 15, 0, 1])
    #expect(cpus(5, [near]) == [0, 1, 2, 3, 8])
  }

  @Test func fewWorkersForTwoInterfacesAreSpreadOverBoth() {
    #expect(cpus(2, [near, far]) == [0, 4])
    #expect(cpus(4, [near, far]) == [0, 4, 1, 7])
  }

  @Test func withoutInterfacesTheNodesTakeTurns() {
    #expect(cpus(4, []) == [0, 4, 1, 7])
    #expect(cpus(8, []) == [0, 4, 1, 7, 2, 13, 3, 12])
  }

  @Test func moreWorkersThanCPUsShare() {
    let places = cpus(15, [far])
    #expect(Set(places).count == 13 && Array(places.suffix(2)) == [4, 7])
  }

  @Test func everyCPUHasTheNearestWorker() {
    let placement = Placement(workers: 4, processors: processors, interfaces: [far])
    #expect((0..<4).map { placement.node(of: $0) } == [1, 1, 1, 1])
    // On its own CPU; on the other thread of its core; and from the other node in turn.
    #expect([4, 7, 12, 13].map { placement.worker(of: $0) } == [0, 1, 2, 3])
    #expect([5, 15].map { placement.worker(of: $0) } == [3, 1])
    #expect(
      [0, 1, 2, 3, 8, 9, 10, 11].map { placement.worker(of: $0) } == [0, 1, 2, 3, 0, 1, 2, 3])
    #expect(placement.worker(of: 6) == nil)
  }

  @Test func theSameNodeComesFirst() {
    let placement = Placement(workers: 2, processors: processors, interfaces: [near, far])
    for processor in processors.online {
      #expect(placement.worker(of: processor.cpu) == processor.node)
    }
  }

  /// Eight queues for two workers: four each, whatever the CPUs' numbers are.
  @Test func receivingCPUsAreSharedOutEvenly() {
    let online = (0..<16).map { Processor(cpu: $0, node: 0) }
    let queues = (0..<8).map { number in
      ReceiveQueue(number: number, interrupt: nil, cpus: [number * 2], reason: .interrupt)
    }
    let placement = Placement(
      workers: 2, processors: Processors(online: online),
      interfaces: [NetworkInterface(name: "eth0", node: 0, receiveQueues: queues)])
    let workers = queues.compactMap { placement.worker(of: $0.cpus[0]) }
    #expect(workers.count { $0 == 0 } == 4 && workers.count { $0 == 1 } == 4)
  }

  /// A queue that receive packet steering spreads.
  @Test func oneQueueOnSeveralCPUs() {
    let queue = ReceiveQueue(number: 0, interrupt: 9, cpus: [2, 3], reason: .rps)
    let placement = Placement(
      workers: 2, processors: processors,
      interfaces: [NetworkInterface(name: "eth0", node: nil, receiveQueues: [queue])])
    #expect((0..<2).map { placement.cpu(of: $0) } == [2, 3])
  }

  /// No CPU where the interface interrupts may be used: its node is the next best.
  @Test func anAffinityWithoutTheInterruptsCPUs() {
    let processors = Processors(online: processors.online, allowed: [1, 2, 13])
    let placement = Placement(workers: 2, processors: processors, interfaces: [far])
    #expect((0..<2).map { placement.cpu(of: $0) } == [13, 1])
    #expect([4, 5, 7, 12].map { placement.worker(of: $0) } == [0, 0, 0, 0])
  }

  @Test func unboundWorkersHaveNone() {
    let placement = Placement(unbound: 2)
    #expect(placement.cpu(of: 1) == -1 && placement.node(of: 0) == -1)
    #expect(placement.workerOfCPU.isEmpty && !placement.isBound)
  }
}
