import Glibc
import Wire

/// A blocking UDP socket of a test: a client, or the trunk of a transceiver.
final class UdpSocket {
  let address: TransportAddress
  private let descriptor: Int32

  struct Failure: Error { let text: String }

  /// Bound to a free port of 127.0.0.1 or ::1. Receiving waits up to a minute.
  init(isIPv4: Bool = true) throws {
    let local =
      isIPv4
      ? TransportAddress(ipv4: 0x7F00_0001, port: 0) : TransportAddress(high: 0, low: 1, port: 0)
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, kind, 0)
    var name = Self.name(of: local)
    let length = Self.length(of: local)
    let bound = unsafe withUnsafePointer(to: &name) {
      unsafe bind(
        descriptor, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
    }
    guard bound == 0 else { throw Failure(text: "bind: errno \(errno)") }
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    unsafe withUnsafeMutablePointer(to: &name) {
      _ = unsafe getsockname(
        descriptor, UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self), &size)
    }
    self.descriptor = descriptor
    address = Self.address(of: name)
  }

  deinit { _ = close(descriptor) }

  func send(_ bytes: [UInt8], to peer: TransportAddress) {
    var name = Self.name(of: peer)
    let length = Self.length(of: peer)
    unsafe withUnsafePointer(to: &name) {
      _ = unsafe sendto(
        descriptor, bytes, bytes.count, 0,
        UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  /// The next datagram and its sender; nil when none comes within `milliseconds`.
  func receive(milliseconds: Int32 = 60_000) -> (bytes: [UInt8], peer: TransportAddress)? {
    var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&ready, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var name = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let count = unsafe withUnsafeMutablePointer(to: &name) {
      unsafe recvfrom(
        descriptor, &bytes, bytes.count, 0,
        UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self), &size)
    }
    guard count >= 0 else { return nil }
    return (Array(bytes[..<count]), Self.address(of: name))
  }
}

// Both kinds of sockaddr in the memory of the larger one.
extension UdpSocket {
  private static func name(of address: TransportAddress) -> sockaddr_in6 {
    var name = sockaddr_in6()
    if address.isIPv4 {
      var ipv4 = sockaddr_in()
      ipv4.sin_family = sa_family_t(AF_INET)
      ipv4.sin_port = address.port.bigEndian
      ipv4.sin_addr.s_addr = address.ipv4.bigEndian
      unsafe withUnsafeMutableBytes(of: &name) { target in
        unsafe withUnsafeBytes(of: &ipv4) { unsafe target.copyMemory(from: $0) }
      }
      return name
    }
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = address.port.bigEndian
    var halves = (address.high.bigEndian, address.low.bigEndian)
    unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { target in
      unsafe withUnsafeBytes(of: &halves) { unsafe target.copyMemory(from: $0) }
    }
    return name
  }

  private static func length(of address: TransportAddress) -> socklen_t {
    socklen_t(address.isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
  }

  private static func address(of name: sockaddr_in6) -> TransportAddress {
    let family = name.sin6_family
    let port = UInt16(bigEndian: name.sin6_port)
    return unsafe withUnsafeBytes(of: name) { bytes in
      if family == sa_family_t(AF_INET) {
        let ipv4 = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
        return TransportAddress(
          ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr), port: UInt16(bigEndian: ipv4.sin_port))
      }
      return unsafe TransportAddress(
        high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
        port: port)
    }
  }
}
