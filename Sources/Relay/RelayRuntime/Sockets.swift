import CPacketLoop
import Glibc
import Runtime
import Wire

/// Opening and closing of UDP sockets. Errors name the address and who holds it.
enum Sockets {
  /// Whom a socket talks with.
  enum Side { case clients, trunk }

  /// An open socket and what it is bound to, the port included when the kernel chose it.
  struct Bound {
    let descriptor: Int32
    let address: TransportAddress
  }

  /// Opens and binds a socket towards clients (one of its address's reuseport group, deaf to what
  /// anybody says of the path) or of the trunk (which takes datagrams in a row as one message).
  static func open(_ local: TransportAddress, _ side: Side) throws(RelayFailure) -> Bound {
    var options = pl_socket_options()
    options.local = pl_address(local)
    options.reuse_port = side == .clients ? 1 : 0
    options.ignores_path_mtu = side == .clients ? 1 : 0
    options.coalesce = side == .trunk ? 1 : 0
    var bound = pl_address()
    var error = pl_error()
    let descriptor = unsafe pl_socket_open(&options, &bound, &error)
    guard descriptor >= 0 else { throw RelayFailure(error.sentence) }
    return Bound(descriptor: descriptor, address: TransportAddress(bound))
  }

  /// Opens `count` sockets, or none: what was open is closed when one fails.
  static func open(
    _ count: Int, _ one: (Int) throws(RelayFailure) -> Int32
  ) throws(RelayFailure) -> [Int32] {
    var descriptors: [Int32] = []
    do {
      for number in 0..<count { descriptors.append(try one(number)) }
    } catch {
      close(descriptors)
      throw error
    }
    return descriptors
  }

  static func close(_ descriptors: [Int32]) {
    for descriptor in descriptors { _ = Glibc.close(descriptor) }
  }
}
