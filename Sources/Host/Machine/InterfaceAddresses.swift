import Glibc
package import Wire

/// The addresses of this machine's interfaces.
package enum InterfaceAddresses {
  /// Each address, with port 0, and the interface that has it; empty when the kernel refuses. An
  /// address that several have (a link-local one) goes to the first.
  package static func read() -> [TransportAddress: String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&first) == 0 else { return [:] }
    defer { unsafe freeifaddrs(first) }
    var found: [TransportAddress: String] = [:]
    var next = unsafe first
    while let entry = unsafe next {
      unsafe next = entry.pointee.ifa_next
      guard let name = unsafe entry.pointee.ifa_addr, let address = unsafe address(name) else {
        continue
      }
      let interface = unsafe String(cString: entry.pointee.ifa_name)
      if found[address] == nil { found[address] = interface }
    }
    return found
  }

  private static func address(_ name: UnsafeMutablePointer<sockaddr>) -> TransportAddress? {
    let raw = UnsafeRawPointer(name)
    switch Int32(unsafe name.pointee.sa_family) {
    case AF_INET:
      let name = unsafe raw.loadUnaligned(as: sockaddr_in.self)
      return TransportAddress(ipv4: UInt32(bigEndian: name.sin_addr.s_addr), port: 0)
    case AF_INET6:
      return unsafe TransportAddress(
        high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)), port: 0)
    default: return nil
    }
  }
}
