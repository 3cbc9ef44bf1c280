import Machine
import TestSupport
import Testing
import Wire

/// Interfaces, their queues, and which of them a listener's datagrams come in by.
@Suite struct NetworkTests {
  private static let onEth0 = TransportAddress(ipv4: 0xC000_0201, port: 3478)
  private static let onBond = TransportAddress(ipv4: 0xC000_0202, port: 3478)
  private static let onLoopback = TransportAddress(ipv4: 0xC000_0203, port: 3478)

  private func network(_ files: [String: String]) throws -> Network {
    let machine = try FakeMachine(files)
    func bare(_ address: TransportAddress) -> TransportAddress {
      TransportAddress(high: address.high, low: address.low, port: 0)
    }
    return Network(
      MachineFiles(root: machine.root),
      addresses: [
        bare(Self.onEth0): "eth0", bare(Self.onBond): "bond0.7", bare(Self.onLoopback): "lo",
        TransportAddress(ipv4: 0x7F00_0001, port: 0): "lo",
      ])
  }

  @Test func queuesHaveTheirInterruptsAndCPUs() throws {
    let network = try network(FakeMachine.twoNodes)
    #expect(network.informative.map(\.name) == ["eth0", "eth1"])
    let far = network.informative[1]
    #expect(far.node == 1)
    #expect(far.receiveQueues.map(\.interrupt) == [40, 41, 42, 43])
    #expect(far.receiveQueues.map(\.cpus) == [[4], [5], [7], [12]])
    #expect(far.receiveQueues.allSatisfy { $0.reason == .interrupt })
    #expect(far.transmitQueues.map(\.cpus) == [[0], [1], [2], [3]])
    #expect(!far.isThreaded)
  }

  @Test func receivePacketSteeringComesBeforeTheInterrupt() throws {
    var files = FakeMachine.twoNodes
    files["sys/class/net/eth1/queues/rx-2/rps_cpus"] = "00000000,000000f0\n"
    files["sys/class/net/eth1/threaded"] = "1\n"
    let far = try network(files).informative[1]
    #expect(
      far.receiveQueues[2]
        == ReceiveQueue(number: 2, interrupt: 42, cpus: [4, 5, 6, 7], reason: .rps))
    #expect(far.receiveQueues[1].reason == .interrupt && far.isThreaded)
  }

  /// Kernels and controllers that do not tell where an interrupt really goes.
  @Test func theWishedAffinityHasToDo() throws {
    var files = FakeMachine.twoNodes
    files["proc/irq/40/effective_affinity_list"] = "\n"
    files["proc/irq/41/effective_affinity_list"] = nil
    files["proc/irq/41/smp_affinity_list"] = "2-3\n"
    files["proc/irq/42/effective_affinity_list"] = nil
    files["proc/irq/42/smp_affinity_list"] = nil
    let queues = try network(files).informative[1].receiveQueues
    #expect(queues[0].cpus == Array(0...15) && queues[1].cpus == [2, 3])
    #expect(queues[2].cpus.isEmpty && queues[2].reason == .unknown)
  }

  /// Names in /proc alone, and no names at all.
  @Test func interruptsWithoutActionsFile() throws {
    var files = FakeMachine.twoNodes
    for interrupt in 40...43 { files["sys/kernel/irq/\(interrupt)/actions"] = nil }
    #expect(try network(files).informative[1].receiveQueues.map(\.interrupt) == [40, 41, 42, 43])
    for interrupt in 40...43 { files["proc/irq/\(interrupt)/eth1-TxRx-\(43 - interrupt)/"] = "" }
    #expect(try network(files).informative[1].receiveQueues.map(\.interrupt) == [43, 42, 41, 40])
  }

  /// A virtio device: the interrupts are its parent's.
  @Test func aDeviceBelowAnother() throws {
    let network = try network([
      "sys/devices/pci0/virtio2/net/eth0/queues/rx-0/rps_cpus": "0\n",
      "sys/devices/pci0/virtio2/net/eth0/device": "->../../../virtio2",
      "sys/devices/pci0/numa_node": "1\n",
      "sys/devices/pci0/msi_irqs/37": "msix\n", "sys/devices/pci0/msi_irqs/38": "msix\n",
      "sys/class/net/eth0": "->../../devices/pci0/virtio2/net/eth0",
      "sys/kernel/irq/37/actions": "virtio2-config\n",
      "sys/kernel/irq/38/actions": "virtio2-input.0\n",
      "proc/irq/37/effective_affinity_list": "0\n", "proc/irq/38/effective_affinity_list": "3\n",
    ])
    #expect(network.informative.map(\.node) == [1])
    #expect(
      network.informative[0].receiveQueues
        == [ReceiveQueue(number: 0, interrupt: 38, cpus: [3], reason: .interrupt)])
  }

  @Test func anAddressLeadsToItsInterface() throws {
    let entry = try network(FakeMachine.twoNodes).entry(of: Self.onEth0)
    #expect(entry.interface == "eth0" && entry.receiving.map(\.name) == ["eth0"])
  }

  @Test func aVlanOnABondLeadsToItsCards() throws {
    var files = FakeMachine.twoNodes
    files["sys/class/net/bond0.7/lower_bond0"] = "->../bond0"
    files["sys/class/net/bond0/lower_eth1"] = "->../eth1"
    files["sys/class/net/bond0/queues/rx-0/rps_cpus"] = "0\n"
    // Whatever leads in a circle ends.
    files["sys/class/net/eth1/lower_bond0"] = "->../bond0"
    let entry = try network(files).entry(of: Self.onBond)
    #expect(entry.interface == "bond0.7" && entry.receiving.map(\.name) == ["eth1"])
  }

  @Test func wildcardsAndRoutedAddressesComeInByAny() throws {
    let network = try network(FakeMachine.twoNodes)
    for address in [TransportAddress(ipv4: 0, port: 1), TransportAddress(high: 0, low: 0, port: 1)]
    {
      let entry = network.entry(of: address)
      #expect(entry.interface == nil && entry.receiving.map(\.name) == ["eth0", "eth1"])
    }
    let routed = network.entry(of: Self.onLoopback)
    #expect(routed.interface == "lo" && routed.receiving.count == 2)
  }

  @Test func loopbackComesInByNone() throws {
    let network = try network(FakeMachine.twoNodes)
    let entry = network.entry(of: TransportAddress(ipv4: 0x7F00_0001, port: 3478))
    #expect(entry.interface == "lo" && entry.receiving.isEmpty)
    #expect(network.entry(of: TransportAddress(ipv4: 0x7F00_0009, port: 1)).receiving.isEmpty)
  }

  @Test func interfacesThatAreDownReceiveNothing() throws {
    var files = FakeMachine.twoNodes
    files["sys/class/net/eth1/operstate"] = "down\n"
    #expect(try network(files).informative.map(\.name) == ["eth0"])
  }

  @Test func brokenFiles() throws {
    let machine = try FakeMachine(FakeMachine.twoNodes)
    for name in FakeMachine.twoNodes.keys.sorted() {
      for text in ["", "\n", "-1\n", "x", String(repeating: "f", count: 70_000)] {
        try machine.with(name, text) {
          let network = Network(MachineFiles(root: machine.root), addresses: [:])
          #expect(network.informative.count <= 2)
        }
      }
    }
  }

  @Test func thisMachine() {
    let addresses = InterfaceAddresses.read()
    #expect(addresses[TransportAddress(ipv4: 0x7F00_0001, port: 0)] == "lo")
    _ = Network(MachineFiles(), addresses: addresses)
  }
}
