/// Which interrupt belongs to which receive queue. The kernel does not say; drivers tell it by the
/// names they give: `eth0-TxRx-3`, `eth0-rx-3`, `virtio0-input.3`, `mlx5_comp3@pci:...`.
enum QueueInterrupts {
  /// An interrupt of a device.
  struct Interrupt: Equatable, Sendable {
    let number: Int
    /// The driver's name for it; nil when it has none.
    let action: String?
  }

  /// What a name says.
  enum Kind: Equatable {
    /// The queue of this number receives by it.
    case receive(Int)
    /// It has this number, and that may be a queue's.
    case numbered(Int)
    /// A name without a number, or none.
    case bare
    /// Sending, or control.
    case other
  }

  /// The interrupt of each queue; a queue that has none of its own is left out. By the names where
  /// they tell, else in order.
  static func match(
    queues: [Int], interrupts: [Interrupt], interface: String
  ) -> [Int: Int] {
    var named: [Int: Int] = [:]
    var numbered: [Int: Int] = [:]
    var unnamed: [Int] = []
    for interrupt in interrupts {
      switch kind(of: interrupt.action, interface: interface) {
      case .receive(let queue): if named[queue] == nil { named[queue] = interrupt.number }
      case .numbered(let queue): if numbered[queue] == nil { numbered[queue] = interrupt.number }
      case .bare: unnamed.append(interrupt.number)
      case .other: break
      }
    }
    for found in [named, numbered] where queues.contains(where: { found[$0] != nil }) {
      return found.filter { queues.contains($0.key) }
    }
    let inOrder = numbered.isEmpty ? unnamed : numbered.values.sorted()
    return Dictionary(uniqueKeysWithValues: zip(queues, inOrder))
  }

  static func kind(of action: String?, interface: String) -> Kind {
    guard let action, !action.isEmpty, action != interface else { return .bare }
    // What follows the @ is the device's address.
    let name = action.prefix { $0 != "@" }.lowercased()
    let number = lastNumber(in: name)
    let receives = name.contains("rx") || name.contains("input")
    if receives { return number.map(Kind.receive) ?? .bare }
    let others = ["tx", "output", "config", "control", "async", "pages", "mbx", "misc", "event"]
    if others.contains(where: name.contains) { return .other }
    return number.map(Kind.numbered) ?? .bare
  }

  /// The last run of decimal digits.
  private static func lastNumber(in name: String) -> Int? {
    let tail = name.utf8.reversed().drop { !isDigit($0) }
    let digits = tail.prefix(while: isDigit).reversed()
    return Int(String(decoding: Array(digits), as: UTF8.self))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
