package import Settings
package import Wire

extension ValueKind where Value == TransportAddress {
  /// An address and a port: `127.0.0.1:3478`, `[::1]:3478`.
  package static var address: ValueKind {
    ValueKind("ADDR", expected: "an IP address and a port, like 127.0.0.1:3478 or [::1]:3478") {
      TransportAddress($0)
    }
  }

  /// Where HTTP is served or asked for: an address and a port, or what people type in its place.
  package static var httpAddress: ValueKind {
    ValueKind(
      "ADDR",
      expected: "a port of 127.0.0.1 or an IP address and a port, like 8080, localhost:8080, "
        + "127.0.0.1:8080 or [::1]:8080"
    ) { readHttpAddress($0) }
  }

  /// The loopback address 127.0.0.1 is meant by a port alone (`8080`, `:8080`) and by `localhost`:
  /// who wants to be reached from elsewhere has to say so. Other names are no address: looking one
  /// up would block.
  fileprivate static func readHttpAddress(_ text: String) -> TransportAddress? {
    let name = "localhost"
    var port = text[...]
    if text.lowercased().hasPrefix(name + ":") { port = port.dropFirst(name.count) }
    if port.first == ":" { port = port.dropFirst() }
    let isPortAlone = !port.isEmpty && port.utf8.allSatisfy { (0x30...0x39).contains($0) }
    return TransportAddress(isPortAlone ? "127.0.0.1:\(port)" : text)
  }

  /// Where a host can be reached: such an address, neither a wildcard nor multicast nor broadcast,
  /// and a port above 0.
  package static var hostAddress: ValueKind {
    ValueKind("ADDR", expected: "the IP address of a host and its port, like 203.0.113.7:3478") {
      TransportAddress($0).flatMap { $0.isOfHost ? $0 : nil }
    }
  }
}

extension ValueKind where Value == String {
  /// A host's name or IP address, without a port: `voice.example`, `[2001:db8::1]`.
  package static var hostName: ValueKind {
    ValueKind("NAME", expected: "the name of a host without a port, like voice.example") { text in
      let isAddress = TransportAddress("\(text):0") != nil
      return isAddress || !text.isEmpty && !text.utf8.contains(where: isNoPartOfName) ? text : nil
    }
  }

  private static func isNoPartOfName(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte > 0x7E || "[]:/@?#,\\\"".utf8.contains(byte)
  }
}

/// One line of the transceiver directory: `NODE.SHARD=ADDR`.
package struct DirectoryEntry: Sendable, Equatable {
  /// Who owns the sessions whose datagrams go there.
  package let transceiver: TransceiverID
  /// The trunk address of the shard.
  package let address: TransportAddress

  /// An entry that was worked out and not typed.
  package init(transceiver: TransceiverID, address: TransportAddress) {
    self.transceiver = transceiver
    self.address = address
  }

  /// Reads `NODE.SHARD=ADDR`: a node up to 65535, a shard up to 255, and an IP address with a port.
  /// nil for anything else, a host name too: looking one up would block.
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
  /// One `DirectoryEntry`, as `DirectoryEntry.text` gives it.
  package static var directoryEntry: ValueKind {
    ValueKind(
      "NODE.SHARD=ADDR", expected: "a transceiver and its trunk address, like 1.0=10.0.0.7:4000"
    ) { DirectoryEntry($0) }
  }
}

/// Where the HTTP side of another transceiver listens: `NODE=http://ADDR`.
package struct PeerEntry: Sendable, Equatable {
  /// The `--node` of the other transceiver. That it is not our own is for the program to check.
  package let node: UInt16
  /// Always an IP address; a port alone and `localhost` have become 127.0.0.1.
  package let address: TransportAddress

  /// nil for anything else, a host name too: looking one up would block.
  package init?(_ text: String) {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let scheme = "http://"
    guard sides.count == 2, let node = UInt16(sides[0]), sides[1].hasPrefix(scheme),
      let address = ValueKind<TransportAddress>.readHttpAddress(
        String(sides[1].dropFirst(scheme.count)))
    else { return nil }
    self.node = node
    self.address = address
  }
}

extension ValueKind where Value == PeerEntry {
  /// One `PeerEntry`; only http, since transceivers speak to each other without TLS.
  package static var peer: ValueKind {
    ValueKind(
      "NODE=http://ADDR", expected: "a node and its HTTP address, like 2=http://10.0.0.6:8080"
    ) { PeerEntry($0) }
  }
}
