package import Settings
package import Wire

extension ValueKind where Value == TransportAddress {
  /// An address and a port: `127.0.0.1:3478`, `[::1]:3478`.
  package static var address: ValueKind {
    ValueKind("ADDR", expected: "an address and a port, like 127.0.0.1:3478 or [::1]:3478") {
      TransportAddress($0)
    }
  }
}

/// One line of the transceiver directory: `NODE.SHARD=ADDR`.
package struct DirectoryEntry: Sendable, Equatable {
  package let transceiver: TransceiverID
  /// The trunk address of the shard.
  package let address: TransportAddress

  package init(transceiver: TransceiverID, address: TransportAddress) {
    self.transceiver = transceiver
    self.address = address
  }

  package init?(_ text: String) {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, let address = TransportAddress(String(sides[1])) else { return nil }
    let numbers = sides[0].split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 2, let node = UInt16(numbers[0]), let shard = UInt8(numbers[1]) else {
      return nil
    }
    self.init(transceiver: TransceiverID(node: node, shard: shard), address: address)
  }

  /// As it is typed.
  package var text: String { "\(transceiver)=\(address)" }
}

extension ValueKind where Value == DirectoryEntry {
  package static var directoryEntry: ValueKind {
    ValueKind(
      "NODE.SHARD=ADDR", expected: "a transceiver and its trunk address, like 1.0=10.0.0.7:4000"
    ) { DirectoryEntry($0) }
  }
}
