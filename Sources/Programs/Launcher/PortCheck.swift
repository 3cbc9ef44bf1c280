import Glibc
package import Runtime
import Settings
package import Wire

/// Whether addresses are free to listen on, asked before anything is started, so that the answer
/// can name who is in the way.
package enum PortCheck {
  /// TCP and UDP have ports of their own: 3478/tcp may be free while 3478/udp is taken.
  package typealias Transport = PortHolder.Transport

  /// Why a port cannot be had, as a sentence; nil when it can.
  package static func obstacle(
    _ address: TransportAddress, _ transport: Transport
  ) -> String? {
    let failure = bindFailure(address, transport)
    guard failure != 0 else { return nil }
    if failure == EADDRINUSE {
      return "port \(address.port)/\(transport.rawValue) is taken"
        + (PortHolder.find(address, transport).map { " by \($0)" } ?? "")
    }
    return "cannot listen on \(address)/\(transport.rawValue): \(systemErrorText(failure))"
  }

  /// The first of `count` UDP ports in a row that are free on 127.0.0.1, looked for from a place
  /// that `seed` chooses, so that two runs at once do not look at the same ones.
  ///
  /// They lie below the range from which the kernel gives out ports by itself, so nothing takes
  /// them by chance between this check and their use.
  package static func freeTrunkPort(count: Int, seed: UInt16) -> UInt16? {
    let range = 20_000..<(32_000 - count)
    for attempt in 0..<200 {
      let first = UInt16(range.lowerBound + (Int(seed) + attempt * 64) % range.count)
      let areFree = (0..<UInt16(count)).allSatisfy {
        bindFailure(TransportAddress(ipv4: 0x7F00_0001, port: first + $0), .udp) == 0
      }
      if areFree { return first }
    }
    return nil
  }

  /// The errno of binding a socket there, 0 when it went well. The socket is closed again.
  private static func bindFailure(_ address: TransportAddress, _ transport: Transport) -> Int32 {
    let family = address.isIPv4 ? AF_INET : AF_INET6
    let type = transport == .tcp ? Int32(SOCK_STREAM.rawValue) : Int32(SOCK_DGRAM.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { return errno }
    defer { _ = close(descriptor) }
    var isOn: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    if transport == .tcp {  // a connection of an earlier run in TIME_WAIT is no obstacle
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, size)
    }
    if !address.isIPv4 {
      // The wildcard stands for IPv4's as well: for the relay's media and for the HTTP side.
      var isIPv6Only: Int32 = address.isWildcard ? 0 : 1
      unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &isIPv6Only, size)
    }
    return address.isIPv4 ? bindIPv4(descriptor, address) : bindIPv6(descriptor, address)
  }

  private static func bindIPv4(_ descriptor: Int32, _ address: TransportAddress) -> Int32 {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = address.port.bigEndian
    name.sin_addr.s_addr = address.ipv4.bigEndian
    return bound(descriptor, &name)
  }

  private static func bindIPv6(_ descriptor: Int32, _ address: TransportAddress) -> Int32 {
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = address.port.bigEndian
    var halves = (address.high.bigEndian, address.low.bigEndian)
    unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { target in
      unsafe withUnsafeBytes(of: &halves) { unsafe target.copyMemory(from: $0) }
    }
    return bound(descriptor, &name)
  }

  private static func bound<Name>(_ descriptor: Int32, _ name: inout Name) -> Int32 {
    let length = socklen_t(MemoryLayout<Name>.size)
    let result = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe bind(
        descriptor, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
    }
    return result == 0 ? 0 : errno
  }
}
