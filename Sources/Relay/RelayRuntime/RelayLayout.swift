package import Machine
import RelayCore
package import Wire

/// What a relay makes of its options on its machine, before it opens anything: the same for running
/// and for explaining. Made on the main thread; allocates.
package struct RelayLayout {
  let options: RelayOptions
  /// The machine's CPUs; nil where it does not tell and nobody needs them.
  let processors: Processors?
  /// How each listener's datagrams come in.
  let entries: [Network.Entry]
  /// The interfaces of all entries, each once.
  let interfaces: [NetworkInterface]
  let placement: Placement
  let privileges: Privileges
  /// The addresses of the machine's interfaces, with port 0.
  let ownAddresses: Set<TransportAddress>

  /// Reads the machine below `files` and places the workers. `addresses` are those of its
  /// interfaces. Fails when workers are to be bound and the CPUs cannot be read.
  package init(
    _ options: RelayOptions, _ files: MachineFiles, addresses: [TransportAddress: String]
  ) throws(RelayFailure) {
    self.options = options
    ownAddresses = Set(addresses.keys)
    let network = Network(files, addresses: addresses)
    entries = options.listeners.map(network.entry)
    let names = Set(entries.flatMap(\.receiving).map(\.name))
    interfaces = network.informative.filter { names.contains($0.name) }
    privileges = Privileges(files)
    processors = Processors(files)
    guard options.bindsWorkers else {
      placement = Placement(unbound: options.workers)
      return
    }
    guard let processors else {
      throw RelayFailure("cannot read the list of CPUs in \(files.root)/sys/devices/system/cpu")
    }
    placement = Placement(workers: options.workers, processors: processors, interfaces: interfaces)
  }

  /// The layout for this machine.
  package static func here(_ options: RelayOptions) throws(RelayFailure) -> RelayLayout {
    try RelayLayout(options, MachineFiles(), addresses: InterfaceAddresses.read())
  }
}

/// What the process may ask of the kernel.
struct Privileges: Equatable {
  /// CAP_NET_ADMIN: large socket buffers, busy polling.
  let administersNetwork: Bool
  /// The most that a socket's receive queue may have without that, in bytes; nil when unknown.
  let receiveQueueBytesMax: Int?

  init(_ files: MachineFiles) {
    let effective = files.ownStatus("CapEff").flatMap { UInt64($0, radix: 16) } ?? 0
    administersNetwork = effective >> 12 & 1 == 1
    receiveQueueBytesMax = files.integer("/proc/sys/net/core/rmem_max")
  }
}

extension RelayOptions {
  /// Whether workers get CPUs. Steering by CPU means nothing unless each worker stays on one.
  var bindsWorkers: Bool { pinsCPUs || steering == .cpu }

  /// What listener `number` takes. The IPv6 wildcard takes IPv4 too, unless another listener of
  /// ours has the port for IPv4 clients.
  func ipVersions(of number: Int) -> IPVersions {
    let listener = listeners[number]
    if listener.isIPv4 { return .ipv4 }
    let isShared = listeners.contains {
      $0.isIPv4 && $0.port == listener.port && listener.port != 0
    }
    return listener.isWildcard && !isShared ? .both : .ipv6
  }

  /// Whether a wildcard listener of ours has the addresses of listener `number` among its own.
  func isCovered(_ number: Int) -> Bool {
    let listener = listeners[number]
    return !listener.isWildcard && listener.port != 0
      && listeners.indices.contains {
        listeners[$0].isWildcard && listeners[$0].port == listener.port
          && listeners[$0].isIPv4 == listener.isIPv4
      }
  }

  /// What a worker's core is told.
  var workerConfiguration: WorkerConfiguration {
    var configuration = WorkerConfiguration(
      cluster: cluster, relayID: relayID,
      listeners: listeners.indices.map {
        RelayListener(number: $0, transport: .udp, versions: ipVersions(of: $0))
      }, trunkIsIPv4: trunk.isIPv4)
    configuration.bundleBytes = bundleBytes
    configuration.routesMax = routesMax
    configuration.idleMilliseconds = idleMilliseconds
    // A whole bundle has to fit, with a byte to spare for telling "too long": the transceivers' are
    // as great as they are told, not as ours.
    configuration.receiveBytesMax = Self.bundleBytesRange.upperBound + 64
    return configuration
  }
}

extension RelayLayout {
  /// A queue, and the workers that the flows of its CPUs begin with.
  struct QueueWay: Equatable {
    let interface: String
    let queue: ReceiveQueue
    let workers: [Int]
  }

  /// Every receive queue of the interfaces, with its workers.
  var queueWays: [QueueWay] {
    interfaces.flatMap { interface in
      interface.receiveQueues.map { queue in
        let workers = Set(queue.cpus.compactMap { placement.worker(of: $0) })
        return QueueWay(interface: interface.name, queue: queue, workers: workers.sorted())
      }
    }
  }

  /// The queues whose packets are handled by `worker`'s CPUs, as `eth0 rx-0`.
  func queues(of worker: Int) -> [String] {
    queueWays.filter { $0.workers.contains(worker) }.map { "\($0.interface) rx-\($0.queue.number)" }
  }

  /// The transmit queues that the worker's CPU sends by, where the kernel binds them (XPS).
  func transmitQueues(of worker: Int) -> [String] {
    let cpu = placement.cpu(of: worker)
    return interfaces.flatMap { interface in
      interface.transmitQueues.filter { $0.cpus.contains(cpu) }.map {
        "\(interface.name) tx-\($0.number)"
      }
    }
  }

  /// The CPUs that `worker` serves, ascending.
  func cpus(servedBy worker: Int) -> [Int] {
    placement.workerOfCPU.filter { $0.worker == worker }.map(\.cpu)
  }

  /// The worker's trunk address; port 0 is left to the kernel.
  func trunk(of worker: Int) -> TransportAddress {
    var address = options.trunk
    if address.port != 0 { address.port += UInt16(worker) }
    return address
  }

  /// The bytes of each worker's route table.
  var routeTableBytes: Int { RouteTable.bytes(routesMax: options.routesMax) }

  /// What the operator should know, in sentences.
  func notes(_ state: SteeringState) -> [String] {
    var notes = placementNotes
    if let reason = state.refusal {
      notes.append(
        "\(reason). With CAP_BPF (or as root) the steering would be "
          + "\"\(options.steering.rawValue)\" by eBPF, and junk would be dropped in the kernel.")
    }
    if !privileges.administersNetwork { notes += rightsNotes }
    do { try options.check(ownAddresses: ownAddresses) } catch {
      notes.append("It would not start: \(error.description).")
    }
    return notes
  }

  private var rightsNotes: [String] {
    var notes: [String] = []
    if let granted = privileges.receiveQueueBytesMax, granted < 4 << 20 {
      notes.append(
        "Without CAP_NET_ADMIN a socket's queue gets \(granted) bytes (net.core.rmem_max) of the "
          + "4 MiB that it wants: bursts are lost earlier.")
    }
    if options.busyPollMicroseconds > 0 {
      notes.append("Busy polling needs CAP_NET_ADMIN and will be refused.")
    }
    return notes
  }

  private var placementNotes: [String] {
    guard placement.isBound, let processors else { return [] }
    var notes: [String] = []
    if placement.processorOfWorker.count > processors.allowed.count {
      notes.append(
        "There are more workers than the \(processors.allowed.count) CPUs that this process may "
          + "use: some share one.")
    }
    if options.steering == .cpu { notes += steeringNotes(processors) }
    for interface in interfaces where interface.isThreaded {
      notes.append(
        "\(interface.name) handles packets in a kernel thread, which the scheduler may move "
          + "away from the CPU shown: bind that thread, or turn \"threaded\" off.")
    }
    return notes
  }

  private func steeringNotes(_ processors: Processors) -> [String] {
    guard !interfaces.isEmpty else {
      return [
        "The machine does not tell on which CPUs the listeners' datagrams are received (loopback, "
          + "a container, a virtual interface): each CPU goes to the nearest worker."
      ]
    }
    var notes: [String] = []
    let idle = (0..<options.workers).filter { queues(of: $0).isEmpty }
    if !idle.isEmpty {
      notes.append(
        "No queue is received where these workers serve: \(CPUList.text(idle)). They will have "
          + "nothing to do. Give the interface more queues (ethtool -L), spread its interrupts, "
          + "turn on RPS, start fewer workers, or steer by \"flow\".")
    }
    let far = queueWays.filter { way in
      way.queue.cpus.contains { cpu in
        guard let worker = placement.worker(of: cpu), let processor = processors[cpu] else {
          return false
        }
        return processor.node != placement.node(of: worker)
      }
    }
    for way in far {
      notes.append(
        "\(way.interface) rx-\(way.queue.number) is received on a node that has no worker: its "
          + "packets cross to another.")
    }
    return notes
  }
}
