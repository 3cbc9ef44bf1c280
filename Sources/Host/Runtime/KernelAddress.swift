package import CPacketLoop
package import Wire

// The packet loop's form of an address and ours: the same sixteen bytes, as bytes and as numbers.

extension TransportAddress {
  /// IPv4 stays in its mapped form (RFC 4291, section 2.5.5.2), the port in host order.
  package init(_ address: pl_address) {
    let halves = unsafe withUnsafeBytes(of: address.ip) { bytes in
      unsafe (
        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      )
    }
    self.init(
      high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1), port: address.port)
  }
}

extension pl_address {
  /// IPv4 stays in its mapped form (RFC 4291, section 2.5.5.2), the port in host order.
  package init(_ address: TransportAddress) {
    self.init()
    port = address.port
    unsafe withUnsafeMutableBytes(of: &ip) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 0, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}

extension pl_error {
  /// What failed, as a sentence for the operator.
  package var sentence: String {
    unsafe withUnsafeBytes(of: text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
