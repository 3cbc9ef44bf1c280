package import Wire

/// The interfaces of a machine, and which of them a listener's datagrams come in by.
package struct Network: Sendable {
  /// The interfaces that tell where their packets are handled and that are up, by name.
  package let informative: [NetworkInterface]
  /// Those that an interface leads to: a VLAN, bond or bridge to the interfaces below it.
  private let below: [String: [String]]
  private let interfaceOfAddress: [TransportAddress: String]

  /// Reads the machine. `addresses` are those of its interfaces (port 0), which no file tells.
  package init(_ files: MachineFiles, addresses: [TransportAddress: String]) {
    let names = files.names(in: "/sys/class/net")
    informative = names.filter { Self.isUp($0, files) }
      .map { NetworkInterface($0, files) }.filter(\.isInformative)
    var below: [String: [String]] = [:]
    for name in names {
      below[name] = files.names(in: "/sys/class/net/\(name)").compactMap { entry in
        entry.hasPrefix("lower_") ? String(entry.dropFirst(6)) : nil
      }
    }
    self.below = below
    interfaceOfAddress = addresses
  }

  private static func isUp(_ name: String, _ files: MachineFiles) -> Bool {
    let state = files.line("/sys/class/net/\(name)/operstate") ?? "unknown"
    return state == "up" || state == "unknown"
  }

  /// How a listener's datagrams come in.
  package struct Entry: Equatable, Sendable {
    /// Where the address is; nil for a wildcard and for an address that no interface has.
    package let interface: String?
    /// The interfaces whose queues receive them; empty when the machine does not tell.
    package let receiving: [NetworkInterface]
  }

  /// How datagrams for `address` come in. An address of an interface that receives nothing itself
  /// (one on `lo` or on a dummy that a router leads here) may come in by any.
  package func entry(of address: TransportAddress) -> Entry {
    var bare = address
    bare.port = 0
    guard let name = interfaceOfAddress[bare] else {
      return Entry(interface: nil, receiving: bare.isLoopback ? [] : informative)
    }
    if address.isLoopback { return Entry(interface: name, receiving: []) }
    let own = descend(from: name, depth: 4)
    let receiving = informative.filter { own.contains($0.name) }
    return Entry(interface: name, receiving: receiving.isEmpty ? informative : receiving)
  }

  private func descend(from name: String, depth: Int) -> Set<String> {
    let lower = depth == 0 ? [] : below[name] ?? []
    return lower.reduce(into: [name]) { $0.formUnion(descend(from: $1, depth: depth - 1)) }
  }
}
