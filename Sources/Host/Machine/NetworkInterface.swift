/// A receive queue of a network interface, and which CPUs handle what comes in by it.
package struct ReceiveQueue: Equatable, Sendable {
  /// What decides on the CPU.
  package enum Reason: String, Sendable {
    /// The CPU on which the queue interrupts.
    case interrupt
    /// Receive packet steering: by hash, in software, on one of `rps_cpus`.
    case rps
    /// The machine does not say.
    case unknown
  }

  /// N of `rx-N`.
  package let number: Int
  /// The number of its interrupt.
  package let interrupt: Int?
  /// The CPUs that its packets are handled on, ascending.
  package let cpus: [Int]
  /// `unknown` where `cpus` is empty.
  package let reason: Reason

  /// A queue that is known; `cpus` are to be ascending. Nothing is read or checked.
  package init(number: Int, interrupt: Int?, cpus: [Int], reason: Reason) {
    self.number = number
    self.interrupt = interrupt
    self.cpus = cpus
    self.reason = reason
  }
}

/// A transmit queue, and the CPUs whose packets it takes (XPS).
package struct TransmitQueue: Equatable, Sendable {
  /// N of `tx-N`.
  package let number: Int
  /// Ascending; empty where the kernel does not bind queues to CPUs.
  package let cpus: [Int]
}

/// A network interface as far as its packets' way to a CPU goes.
package struct NetworkInterface: Equatable, Sendable {
  /// The kernel's: that of its folder in /sys/class/net.
  package let name: String
  /// The NUMA node that the device sits on; nil when there is none or the machine does not say.
  package let node: Int?
  /// Ascending by number.
  package let receiveQueues: [ReceiveQueue]
  /// Ascending by number. They do not count for `isInformative`.
  package let transmitQueues: [TransmitQueue]
  /// Packets are handled by a thread of the kernel, which the scheduler may move.
  package let isThreaded: Bool

  /// An interface that is known; the queues are to be ascending by number. Nothing is read.
  package init(
    name: String, node: Int?, receiveQueues: [ReceiveQueue],
    transmitQueues: [TransmitQueue] = [], isThreaded: Bool = false
  ) {
    self.name = name
    self.node = node
    self.receiveQueues = receiveQueues
    self.transmitQueues = transmitQueues
    self.isThreaded = isThreaded
  }

  /// Whether anything is known of where its packets are handled.
  package var isInformative: Bool { receiveQueues.contains { !$0.cpus.isEmpty } }
}

extension NetworkInterface {
  /// Reads what the machine tells of the interface `name`.
  package init(_ name: String, _ files: MachineFiles) {
    let folder = "/sys/class/net/\(name)"
    // A virtio device is a child of the PCI device that has the node and the interrupts.
    let devices = [folder + "/device", folder + "/device/.."]
    let node = devices.compactMap { files.integer($0 + "/numa_node") }.first { $0 >= 0 }
    let interrupts = Self.interrupts(devices, files)
    let queues = files.numbers(in: folder + "/queues", after: "rx-")
    let interruptOfQueue = QueueInterrupts.match(
      queues: queues, interrupts: interrupts, interface: name)
    self.init(
      name: name, node: node,
      receiveQueues: queues.map { number in
        Self.receiveQueue(
          number, folder + "/queues/rx-\(number)", interruptOfQueue[number], files)
      },
      transmitQueues: files.numbers(in: folder + "/queues", after: "tx-").map { number in
        let mask = files.line(folder + "/queues/tx-\(number)/xps_cpus")
        return TransmitQueue(number: number, cpus: mask.flatMap(CPUList.parseMask) ?? [])
      },
      isThreaded: files.integer(folder + "/threaded") == 1)
  }

  private static func receiveQueue(
    _ number: Int, _ folder: String, _ interrupt: Int?, _ files: MachineFiles
  ) -> ReceiveQueue {
    let chosen = files.line(folder + "/rps_cpus").flatMap(CPUList.parseMask) ?? []
    if !chosen.isEmpty {
      return ReceiveQueue(number: number, interrupt: interrupt, cpus: chosen, reason: .rps)
    }
    let cpus = interrupt.flatMap { affinity(ofInterrupt: $0, files) } ?? []
    return ReceiveQueue(
      number: number, interrupt: interrupt, cpus: cpus,
      reason: cpus.isEmpty ? .unknown : .interrupt)
  }

  /// Where an interrupt really comes; where it may come, on kernels that do not tell more.
  private static func affinity(ofInterrupt number: Int, _ files: MachineFiles) -> [Int]? {
    for name in ["effective_affinity_list", "smp_affinity_list"] {
      let cpus = files.line("/proc/irq/\(number)/\(name)").flatMap(CPUList.parse)
      if let cpus, !cpus.isEmpty { return cpus }
    }
    return nil
  }

  /// The device's interrupts with the names that its driver gave them.
  private static func interrupts(
    _ devices: [String], _ files: MachineFiles
  ) -> [QueueInterrupts.Interrupt] {
    for device in devices {
      var numbers = files.numbers(in: device + "/msi_irqs")
      if numbers.isEmpty, let single = files.integer(device + "/irq"), single > 0 {
        numbers = [single]
      }
      guard !numbers.isEmpty else { continue }
      return numbers.map { QueueInterrupts.Interrupt(number: $0, action: action(of: $0, files)) }
    }
    return []
  }

  private static func action(of interrupt: Int, _ files: MachineFiles) -> String? {
    let actions = files.line("/sys/kernel/irq/\(interrupt)/actions") ?? ""
    if !actions.isEmpty { return actions }
    // /proc/irq/N has a folder named after each action, among files that are always there.
    let known = ["affinity_hint", "node", "spurious"]
    return files.names(in: "/proc/irq/\(interrupt)").first { name in
      !known.contains(name) && !name.contains("affinity")
    }
  }
}
