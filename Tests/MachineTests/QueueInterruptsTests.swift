import Testing

@testable import Machine

/// The names that drivers give their interrupts.
@Suite struct QueueInterruptsTests {
  private func match(_ queues: Int, _ actions: [String?]) -> [Int: Int] {
    QueueInterrupts.match(
      queues: Array(0..<queues),
      interrupts: actions.enumerated().map {
        QueueInterrupts.Interrupt(number: 100 + $0.offset, action: $0.element)
      }, interface: "eth0")
  }

  @Test func virtio() {
    let names = [
      "virtio0-config", "virtio0-input.0", "virtio0-output.0", "virtio0-input.1",
      "virtio0-output.1",
    ]
    #expect(match(2, names) == [0: 101, 1: 103])
  }

  @Test(arguments: ["eth0-TxRx-%", "i40e-eth0-TxRx-%", "eth0-Tx-Rx-%", "eth0-rx-%", "eth0-rxtx-%"])
  func receiving(pattern: String) {
    let names = (0..<12).map { number in
      pattern.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\(number)")
    }
    #expect(
      match(12, ["eth0"] + names)
        == Dictionary(uniqueKeysWithValues: (0..<12).map { ($0, 101 + $0) }))
  }

  @Test func receivingApartFromSending() {
    #expect(match(2, ["eth0-tx-0", "eth0-tx-1", "eth0-rx-1", "eth0-rx-0"]) == [0: 103, 1: 102])
  }

  @Test func mellanox() {
    let names = [
      "mlx5_async0@pci:0000:3b:00.0", "mlx5_comp0@pci:0000:3b:00.0", "mlx5_comp1@pci:0000:3b:00.0",
    ]
    #expect(match(2, names) == [0: 101, 1: 102])
  }

  /// More vectors than queues: those of queues that are switched off are left out.
  @Test func spareVectors() {
    #expect(match(1, ["eth0-TxRx-0", "eth0-TxRx-1"]) == [0: 100])
  }

  @Test func oneInterruptForAll() { #expect(match(1, ["eth0"]) == [0: 100]) }

  @Test func namesThatSayNothingGoInOrder() {
    #expect(match(2, [nil, nil, nil]) == [0: 100, 1: 101])
    #expect(match(2, ["a-7", "a-8"]) == [0: 100, 1: 101])
    #expect(match(2, []) == [:])
    #expect(match(0, ["eth0-rx-0"]) == [:])
  }

  @Test func namesOfAnyLength() {
    let name = "virtio0-input.12345678901234567890"
    for length in 0...name.count {
      _ = QueueInterrupts.kind(of: String(name.prefix(length)), interface: "eth0")
    }
  }
}
