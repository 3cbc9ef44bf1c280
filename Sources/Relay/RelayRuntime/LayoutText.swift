import CPacketLoop
import CSteering
import Machine
import RelayCore
import Wire

extension RelayLayout {
  /// The layout as tables for people.
  package func text(_ state: SteeringState) -> String {
    var sections = [steeringText(state), workerText, listenerText, queueText, cpuText, mapText]
    sections.append(memoryText)
    let notes = notes(state)
    if !notes.isEmpty {
      sections.append("NOTES\n" + notes.map { "- \($0)\n" }.joined())
    }
    return sections.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private func steeringText(_ state: SteeringState) -> String {
    var text = "STEERING   \(state.text(options.steering))\n"
    if options.steering == .cpu, state == .works {
      text += "           a flow stays with its worker until it is silent for "
      text += "\(Steering.staySeconds) s, whatever CPU receives it\n"
    }
    if options.steering != .kernel {
      text += "FALLBACK   \(SteeringState.fallback(options.steering))\n"
    }
    let busy = options.busyPollMicroseconds
    let wait = options.bundleWaitMicroseconds
    text += "BUSY POLL  \(busy == 0 ? "off" : "\(busy) us")\n"
    text += "WAIT       \(wait == 0 ? "none" : "\(wait) us for fuller bundles")\n"
    return text + "TRANSMIT   \(transmitText)\n"
  }

  private var transmitText: String {
    guard options.transmit == .frames else { return "udp: by the listeners' sockets" }
    return "frames: by AF_XDP, worker N by queue N of the listener's interface; else udp"
  }

  private var workerText: String {
    var table = TextTable(["WORKER", "CPU", "NODE", "RECEIVES", "SENDS", "SERVES CPUS", "TRUNK"])
    for worker in 0..<options.workers {
      let processor = placement.processorOfWorker[worker]
      table.add([
        "\(worker)", processor.map { "\($0.cpu)" } ?? "any",
        processor.map { "\($0.node)" } ?? "any", Self.list(queues(of: worker)),
        Self.list(transmitQueues(of: worker)), CPUList.text(cpus(servedBy: worker)),
        trunk(of: worker).description,
      ])
    }
    return table.text
  }

  private var listenerText: String {
    var table = TextTable(["LISTENER", "ADDRESS", "ON", "COMES IN BY", "SOCKETS (SLOT:WORKER)"])
    let sockets = (0..<options.workers).map { "\($0):\($0)" }.joined(separator: " ")
    for (number, entry) in entries.enumerated() {
      table.add([
        "\(number)", options.listeners[number].description, entry.interface ?? "any",
        Self.list(entry.receiving.map(\.name)), sockets,
      ])
    }
    return table.text
  }

  private var queueText: String {
    guard !interfaces.isEmpty else { return "" }
    var table = TextTable(["QUEUE", "NODE", "IRQ", "RECEIVED ON CPUS", "BECAUSE OF", "WORKER"])
    for way in queueWays {
      let node = interfaces.first { $0.name == way.interface }?.node
      table.add([
        "\(way.interface) rx-\(way.queue.number)", node.map { "\($0)" } ?? "-",
        way.queue.interrupt.map { "\($0)" } ?? "-", CPUList.text(way.queue.cpus),
        way.queue.reason.rawValue,
        placement.isBound ? CPUList.text(way.workers) : "any",
      ])
    }
    return table.text
  }

  private var cpuText: String {
    guard placement.isBound, let processors else { return "" }
    var table = TextTable(["CPUS", "NODE", "MAY BE USED", "WORKER"])
    var index = 0
    let online = processors.online
    while index < online.count {
      // Neighbours that are alike share a row: machines have many CPUs.
      let row = cpuRow(online[index], processors)
      var members = [online[index].cpu]
      while index + members.count < online.count,
        cpuRow(online[index + members.count], processors) == row
      {
        members.append(online[index + members.count].cpu)
      }
      table.add([CPUList.text(members)] + row)
      index += members.count
    }
    return table.text
  }

  private func cpuRow(_ processor: Processor, _ processors: Processors) -> [String] {
    [
      "\(processor.node)", processors.allowed.contains(processor) ? "yes" : "no",
      placement.worker(of: processor.cpu).map { "\($0)" } ?? "-",
    ]
  }

  private var mapText: String {
    guard options.steering != .kernel else { return "" }
    var table = TextTable(["BPF MAP", "ENTRIES", "EACH LISTENER HAS ITS OWN"])
    table.add(["workers", "\(options.workers)", "one slot for each worker's socket"])
    table.add(["config", "1", "mode, \(STEERING_CPUS_MAX) CPUs, \(STEERING_LOTS) lots of flows"])
    if options.steering == .cpu {
      table.add(["homes", "\(homeCount)", "which worker has a flow"])
    }
    table.add(["counters", "1", "for each CPU"])
    return table.text
  }

  private var memoryText: String {
    var table = TextTable(["MEMORY", "EACH", "COUNT", "ALL"])
    for part in memoryParts {
      table.add([part.name, Self.size(part.bytes), "\(part.count)", Self.size(part.all)])
    }
    table.add(["", "", "", Self.size(memoryParts.reduce(0) { $0 + $1.all })])
    return table.text
  }

  private static func list(_ words: [String]) -> String {
    words.isEmpty ? "-" : words.joined(separator: ", ")
  }

  /// Bytes in the unit that gives up to four digits.
  static func size(_ bytes: Int) -> String {
    if bytes < 10_000 { return "\(bytes) B" }
    if bytes < 10_000 << 10 { return "\((bytes + 1023) >> 10) KiB" }
    return "\((bytes + (1 << 20) - 1) >> 20) MiB"
  }
}

/// A kind of memory that the relay takes at its start and keeps.
struct MemoryPart: Equatable {
  let name: String
  /// For one of them.
  let bytes: Int
  let count: Int

  var all: Int { bytes * count }
}

extension RelayLayout {
  /// What the relay's memory is, as far as it depends on the options. The kernel's own queues
  /// come on top: up to 4 MiB for each socket, while it is full.
  var memoryParts: [MemoryPart] {
    var parts = [
      MemoryPart(
        name: "route table of \(options.routesMax) routes", bytes: routeTableBytes,
        count: options.workers),
      MemoryPart(
        name: "receive buffers of a listener, for \(WorkerThread.batch) datagrams",
        bytes: receiveBytes(coalesces: false), count: options.workers * options.listeners.count),
      MemoryPart(
        name: "receive buffers of the trunk, for rows of datagrams",
        bytes: receiveBytes(coalesces: true), count: options.workers),
    ]
    if options.transmit == .frames {
      // As a rule all listeners are on one interface.
      parts.append(
        MemoryPart(
          name: "frames, and where they go", bytes: Int(pl_frames_bytes(1)), count: options.workers)
      )
    }
    if options.steering != .kernel {
      parts.append(
        MemoryPart(name: "BPF maps (kernel)", bytes: mapBytes, count: options.listeners.count))
    }
    return parts
  }

  /// The receive buffers of one socket.
  private func receiveBytes(coalesces: Bool) -> Int {
    Int(
      pl_receive_bytes(
        UInt32(WorkerThread.batch), UInt32(options.workerConfiguration.clientBytesMax), coalesces))
  }

  /// Kernel memory of one listener's maps.
  var mapBytes: Int {
    var mapOptions = Steering.options(options)
    return unsafe steering_map_bytes(&mapOptions)
  }

  /// How many flows' workers one listener's map can tell.
  var homeCount: Int {
    var mapOptions = Steering.options(options)
    return unsafe Int(steering_home_count(&mapOptions))
  }
}
