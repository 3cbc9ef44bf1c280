import CPacketLoop
import Glibc
import Testing

/// Who holds a port.
@Suite struct PortTests {
  func holder(_ transport: pl_transport, _ address: pl_address) -> pl_port_holder? {
    var address = address
    var holder = pl_port_holder()
    return unsafe pl_port_find_holder(transport, &address, &holder) ? holder : nil
  }

  @Test func theSentenceNamesPortAndHolder() throws {
    let first = try UdpSocket(.loopback(port: 0))
    let error = try #require(throws: SetUpError.self) { _ = try UdpSocket(first.address) }
    let text = error.description
    let port = first.address.port
    #expect(text.hasPrefix("cannot bind 127.0.0.1:\(port)/udp: Address already in use"))
    #expect(text.hasSuffix("process \(getpid()))"))
  }

  @Test func udpByAddressAndWildcard() throws {
    let socket = try UdpSocket(.loopback(port: 0, host: 3))
    #expect(holder(PL_UDP, socket.address)?.process == getpid())
    var wildcard = pl_address.loopback(port: socket.address.port, host: 0)
    wildcard.ip.12 = 0
    #expect(holder(PL_UDP, wildcard)?.process == getpid())
    try expectFree(.loopback(port: 0, host: 3)) { port in
      holder(PL_UDP, .loopback(port: port, host: 4))
        ?? holder(PL_TCP, .loopback(port: port, host: 3))
    }
  }

  @Test func ipv6() throws {
    let socket = try UdpSocket(.ipv6Loopback(port: 0))
    #expect(holder(PL_UDP, socket.address)?.process == getpid())
    try expectFree(.ipv6Loopback(port: 0)) { holder(PL_UDP, .loopback(port: $0)) }
  }

  /// The port of a new socket has no holder elsewhere. Other tests' sockets may have the same
  /// number by chance; not those of five ports.
  private func expectFree(
    _ local: pl_address, _ holder: (UInt16) -> pl_port_holder?
  ) throws {
    let sockets = try (0..<5).map { _ in try UdpSocket(local) }
    #expect(sockets.contains { holder($0.address.port) == nil })
  }

  @Test func tcpListeners() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    #expect(listen(descriptor, 1) == 0)  // binds a free port of the wildcard address
    var bound = pl_address()
    var error = pl_error()
    #expect(unsafe pl_socket_address(descriptor, &bound, &error) == 0)
    #expect(holder(PL_TCP, .loopback(port: bound.port))?.process == getpid())
  }

  @Test func addressesAsText() {
    var text = [CChar](repeating: 0, count: Int(PL_ADDRESS_TEXT_SIZE))
    var ipv4 = pl_address.loopback(port: 3478)
    #expect(unsafe String(cString: pl_address_text(&ipv4, &text)) == "127.0.0.1:3478")
    var ipv6 = pl_address.ipv6Loopback(port: 80)
    #expect(unsafe String(cString: pl_address_text(&ipv6, &text)) == "[::1]:80")
  }
}
