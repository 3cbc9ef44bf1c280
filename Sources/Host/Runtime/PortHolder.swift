import CPacketLoop
package import Wire

/// The process that keeps others from a port.
package struct PortHolder: CustomStringConvertible {
  /// The raw value is what sentences have behind the port: `3478/udp`.
  package enum Transport: String, Sendable { case tcp, udp }

  private let process: Int32
  private let name: String

  /// `martlet-relay (pid 4711)`.
  package var description: String { "\(name) (pid \(process))" }

  /// Who holds the port of `address`; nil when nobody does, or when we may not see who. Slow: for
  /// error messages.
  package static func find(
    _ address: TransportAddress, _ transport: Transport
  ) -> PortHolder? {
    var wanted = pl_address(address)
    var holder = pl_port_holder()
    let kind = transport == .tcp ? PL_TCP : PL_UDP
    guard unsafe pl_port_find_holder(kind, &wanted, &holder), holder.process > 0 else {
      return nil
    }
    let name = unsafe withUnsafeBytes(of: holder.name) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return PortHolder(process: holder.process, name: name)
  }
}
