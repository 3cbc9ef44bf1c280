import CPacketLoop
import Wire

// The packet loop's form of an address and ours: the same sixteen bytes, as bytes and as numbers.

extension TransportAddress {
  init(_ address: pl_address) {
    let (high, low) = unsafe withUnsafeBytes(of: address.ip) { bytes in
      unsafe (
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    self.init(high: high, low: low, port: address.port)
  }
}

extension pl_address {
  init(_ address: TransportAddress) {
    self.init()
    port = address.port
    unsafe withUnsafeMutableBytes(of: &ip) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 0, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
