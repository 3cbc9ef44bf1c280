import CPacketLoop
import Machine
import Paths
import RelayCore
import Testing
import Token
import Wire

@testable import RelayRuntime

/// A worker's thread: where it makes what it works on, and what it says when it cannot.
@Suite(.serialized) struct WorkerThreadTests {
  private let listener = TransportAddress(ipv4: 0x7F00_0001, port: 0)

  private func worker(on processor: Processor, routesMax: Int = 1 << 16) throws -> WorkerThread {
    var random = SeededRandom(seed: 3)
    let entry = TransceiverEntry(
      id: TransceiverID(node: 1, shard: 0),
      address: TransportAddress(ipv4: 0x7F00_0001, port: 4000))
    var options = RelayOptions(
      listeners: [listener], trunk: listener, transceivers: [entry],
      keys: RoutingKeys.generate(random: &random))
    options.routesMax = routesMax
    let placement = Placement(
      workers: 1, processors: Processors(online: [processor]), interfaces: [])
    return WorkerThread(
      WorkerPlan(
        options, number: 0, placement,
        listeners: [try Sockets.open(listener, .clients(.ipv4)).descriptor],
        trunk: try Sockets.open(listener, .trunk).descriptor,
        try TransceiverPlaces([entry]),
        PathTable(from: listener, bundleBytesMax: options.bundleBytes, pathsMax: 1)))
  }

  /// On every CPU of this machine: the tables are made by a thread that runs there, and lie on its
  /// node.
  @Test func tablesAreMadeOnTheWorkersCPU() throws {
    let processors = try #require(Processors(MachineFiles()))
    for processor in processors.allowed {
      let worker = try worker(on: processor)
      try worker.start()
      #expect(worker.birthplace.cpu == processor.cpu)
      #expect(worker.birthplace.node == (pl_numa_is_available() ? processor.node : -1))
      let question = worker.wantReport()
      #expect(worker.waitForReport(question, seconds: 30)?.routes == 0)
      #expect(worker.lastReport.routes == 0)
      worker.stop()
      worker.join()
      #expect(worker.finalReport().routes == 0)
    }
  }

  /// A CPU that the machine does not have: said before anything is reported ready.
  @Test func aCPUThatIsNotThereIsNamed() throws {
    let worker = try worker(on: Processor(cpu: 1000, node: 0))
    let failure = #expect(throws: RelayFailure.self) { try worker.start() }
    #expect(failure?.description.hasPrefix("worker 0: it cannot run on CPU 1000") == true)
    // Ending what has not begun does nothing.
    worker.stop()
    worker.join()
  }
}
