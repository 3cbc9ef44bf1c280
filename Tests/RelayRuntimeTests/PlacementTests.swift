import Testing

@testable import RelayRuntime

@Suite struct PlacementTests {
  /// Four CPUs, two on each of two nodes.
  private let processors = [(0, 0), (1, 0), (2, 1), (3, 1)].map {
    Placement.Processor(cpu: $0.0, node: $0.1)
  }

  @Test func eachWorkerHasItsCPU() {
    let placement = Placement(processors: processors, workers: 4)
    #expect((0..<4).map { placement.cpu(of: $0) } == [0, 1, 2, 3])
    #expect((0..<4).map { placement.node(of: $0) } == [0, 0, 1, 1])
    #expect(placement.workerOfCPU.map(\.worker) == [0, 1, 2, 3])
  }

  @Test func aCPUWithoutWorkerIsServedByItsNode() {
    let placement = Placement(processors: processors, workers: 3)
    #expect(placement.workerOfCPU.map(\.worker) == [0, 1, 2, 2])
    let one = Placement(processors: processors, workers: 1)
    #expect(one.workerOfCPU.map(\.cpu) == [0, 1])
    #expect(one.workerOfCPU.map(\.worker) == [0, 0])
  }

  @Test func moreWorkersThanCPUsShare() {
    let placement = Placement(processors: Array(processors.prefix(2)), workers: 3)
    #expect((0..<3).map { placement.cpu(of: $0) } == [0, 1, 0])
  }

  @Test func unboundWorkersHaveNone() throws {
    let placement = try Placement(workers: 2, binds: false)
    #expect(placement.cpu(of: 1) == -1 && placement.node(of: 0) == -1)
    #expect(placement.workerOfCPU.isEmpty)
  }

  @Test func thisMachineHasCPUs() throws {
    let placement = try Placement(workers: 2, binds: true)
    #expect(!placement.processors.isEmpty)
    #expect(placement.cpu(of: 0) >= 0)
  }
}
