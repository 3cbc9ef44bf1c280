import CPacketLoop
import Runtime

/// Which CPU each worker runs on, and where its packet memory should be.
struct Placement {
  /// A CPU that this process may use, and its NUMA node.
  struct Processor: Equatable {
    let cpu: Int
    let node: Int
  }

  /// The CPUs that this process may use, ascending.
  let processors: [Processor]
  /// Each worker's CPU; nil when the workers are not bound.
  private let processorOfWorker: [Processor?]

  /// Reads the machine's topology when workers are to be bound; worker n gets the n-th CPU, and
  /// they share when there are more workers than CPUs.
  init(workers: Int, binds: Bool) throws(RelayFailure) {
    guard binds else {
      self.init(processors: [], workers: workers)
      return
    }
    self.init(processors: try Self.topology(), workers: workers)
  }

  /// The same for a topology that is known.
  init(processors: [Processor], workers: Int) {
    self.processors = processors
    processorOfWorker = (0..<workers).map { worker in
      processors.isEmpty ? nil : processors[worker % processors.count]
    }
  }

  private static func topology() throws(RelayFailure) -> [Processor] {
    let topology = UnsafeMutablePointer<pl_topology>.allocate(capacity: 1)
    defer { unsafe topology.deallocate() }
    var error = pl_error()
    guard unsafe pl_topology_read(nil, topology, &error) == 0 else {
      throw RelayFailure(error.sentence)
    }
    return unsafe withUnsafeBytes(of: &topology.pointee.cpus) { bytes in
      let cpus = unsafe bytes.bindMemory(to: pl_cpu.self)
      return unsafe (0..<Int(topology.pointee.count)).map {
        unsafe Processor(cpu: Int(cpus[$0].cpu), node: Int(cpus[$0].node))
      }
    }
  }

  /// The CPU that `worker` runs on, -1 for any.
  func cpu(of worker: Int) -> Int { processorOfWorker[worker]?.cpu ?? -1 }

  /// The NUMA node for the memory of the worker's datagrams, -1 for any.
  func node(of worker: Int) -> Int { processorOfWorker[worker]?.node ?? -1 }

  /// Which worker takes what arrives on each CPU: the one that runs there; else, in turn, one of
  /// the same NUMA node. CPUs of a node without workers are left out.
  var workerOfCPU: [(cpu: Int, worker: Int)] {
    var turn = 0
    return processors.compactMap { processor in
      if let worker = processorOfWorker.firstIndex(of: processor) {
        return (processor.cpu, worker)
      }
      let near = processorOfWorker.indices.filter {
        processorOfWorker[$0]?.node == processor.node
      }
      guard !near.isEmpty else { return nil }
      turn += 1
      return (processor.cpu, near[turn % near.count])
    }
  }
}
