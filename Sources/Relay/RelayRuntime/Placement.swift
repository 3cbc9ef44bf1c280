import Machine

/// Which CPU each worker runs on, and which worker serves each CPU.
///
/// A packet should be handled on the CPU that received it, so workers come first to the CPUs where
/// the listeners' queues interrupt (or where the kernel's receive packet steering puts them), then
/// to the same NUMA node as the network interface, then anywhere. Pure: the machine comes in.
struct Placement {
  /// Each worker's CPU; nil when the workers are not bound.
  let processorOfWorker: [Processor?]
  /// Which worker takes the flows that begin on each online CPU, ascending by CPU: one that runs
  /// there, else the nearest. Also for CPUs that this process may not use: they may interrupt.
  let workerOfCPU: [(cpu: Int, worker: Int)]

  /// Workers that are not bound.
  init(unbound workers: Int) {
    processorOfWorker = Array(repeating: nil, count: workers)
    workerOfCPU = []
  }

  /// Binds the workers for a relay whose datagrams come in by `interfaces`.
  init(workers: Int, processors: Processors, interfaces: [NetworkInterface]) {
    let receiving = Self.receivingCPUs(interfaces)
    let candidates = CPUOrder(processors, receiving: receiving, interfaces.compactMap(\.node))
    let places = (0..<workers).map { candidates.cpus[$0 % candidates.cpus.count] }
    processorOfWorker = places
    workerOfCPU = Self.serve(places, processors, receiving: receiving)
  }

  /// The CPUs that handle received packets: the first queue of each interface, then the second of
  /// each, so that few workers are spread over all interfaces.
  static func receivingCPUs(_ interfaces: [NetworkInterface]) -> [Int] {
    var cpus: [Int] = []
    for index in 0..<(interfaces.map(\.receiveQueues.count).max() ?? 0) {
      for interface in interfaces where index < interface.receiveQueues.count {
        for cpu in interface.receiveQueues[index].cpus where !cpus.contains(cpu) {
          cpus.append(cpu)
        }
      }
    }
    return cpus
  }

  /// Gives every CPU its worker; of several that are as near, the one with the fewest. CPUs that
  /// receive come first, for those are what a worker has to do, and among them the workers' own.
  private static func serve(
    _ places: [Processor], _ processors: Processors, receiving: [Int]
  ) -> [(cpu: Int, worker: Int)] {
    var load = Array(repeating: 0, count: places.count)
    var found: [(cpu: Int, worker: Int)] = []
    let first = receiving.compactMap { processors[$0] }
    let own = first.filter(places.contains)
    let rest = processors.online.filter { !receiving.contains($0.cpu) }
    for processor in own + first.filter({ !places.contains($0) }) + rest {
      let worker = places.indices.min { one, other in
        let (near, far) = (
          processors.distance(processor, places[one]), processors.distance(processor, places[other])
        )
        return (near, load[one], one) < (far, load[other], other)
      }
      guard let worker else { return [] }
      load[worker] += 1
      found.append((processor.cpu, worker))
    }
    return found.sorted { $0.cpu < $1.cpu }
  }

  /// Whether the workers are bound.
  var isBound: Bool { processorOfWorker.contains { $0 != nil } }

  /// The CPU that `worker` runs on, -1 for any.
  func cpu(of worker: Int) -> Int { processorOfWorker[worker]?.cpu ?? -1 }

  /// The NUMA node for the memory of the worker, -1 for any.
  func node(of worker: Int) -> Int { processorOfWorker[worker]?.node ?? -1 }

  /// The worker that serves `cpu`; nil when workers are not bound or the CPU is not online.
  func worker(of cpu: Int) -> Int? { workerOfCPU.first { $0.cpu == cpu }?.worker }
}

/// The CPUs that workers may have, the best first.
private struct CPUOrder {
  private(set) var cpus: [Processor] = []
  private var usesOfCore: [Int: Int] = [:]
  private var usesOfNode: [Int: Int] = [:]

  init(_ processors: Processors, receiving: [Int], _ nodes: [Int]) {
    let usable = receiving.compactMap { cpu in processors.allowed.first { $0.cpu == cpu } }
    // Memory that the interface writes to is near on its own node.
    for processor in usable where nodes.contains(processor.node) { take(processor) }
    for processor in usable where !nodes.contains(processor.node) { take(processor) }
    spread(processors.allowed.filter { nodes.contains($0.node) })
    spread(processors.allowed)
  }

  private mutating func take(_ processor: Processor) {
    cpus.append(processor)
    usesOfCore[processor.core, default: 0] += 1
    usesOfNode[processor.node, default: 0] += 1
  }

  /// Takes what is left of `group`: a core of its own for each first, and the nodes in turn.
  private mutating func spread(_ group: [Processor]) {
    var rest = group.filter { !cpus.contains($0) }
    while let best = rest.min(by: { burden($0) < burden($1) }) {
      take(best)
      rest.removeAll { $0 == best }
    }
  }

  private func burden(_ processor: Processor) -> (Int, Int, Int) {
    (usesOfCore[processor.core] ?? 0, usesOfNode[processor.node] ?? 0, processor.cpu)
  }
}
