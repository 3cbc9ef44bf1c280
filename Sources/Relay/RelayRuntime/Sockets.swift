import CPacketLoop
import Glibc
import RelayCore
import Runtime
import Wire

/// Opening and closing of UDP sockets. Errors name the address and who holds it.
enum Sockets {
  /// Whom a socket talks with, and how it has its address.
  enum Side {
    /// The first socket of a listener, which nobody may have already.
    case claim(IPVersions)
    /// One of the sockets that share a listener's address.
    case clients(IPVersions)
    case trunk
  }

  /// An open socket and what it is bound to, the port included when the kernel chose it.
  struct Bound {
    let descriptor: Int32
    let address: TransportAddress
  }

  /// Opens and binds a socket, deaf to what anybody says of the path; one of the trunk takes
  /// datagrams in a row as one message.
  static func open(_ local: TransportAddress, _ side: Side) throws(RelayFailure) -> Bound {
    var options = pl_socket_options()
    options.local = pl_address(local)
    switch side {
    case .claim(let versions), .clients(let versions):
      options.takes_ipv4 = versions == .both ? 1 : 0
      if case .clients = side { options.reuse_port = 1 }
    case .trunk: options.coalesce = 1
    }
    // Towards clients nothing is made smaller; what the trunk's ways carry is `PathTable`'s.
    options.ignores_path_mtu = 1
    var bound = pl_address()
    var error = pl_error()
    let descriptor = unsafe pl_socket_open(&options, &bound, &error)
    guard descriptor >= 0 else { throw RelayFailure(error.sentence) }
    return Bound(descriptor: descriptor, address: TransportAddress(bound))
  }

  /// Lets other sockets of this process share the address of a claim.
  static func share(_ claim: Bound) throws(RelayFailure) {
    var error = pl_error()
    guard unsafe pl_claim_share(claim.descriptor, &error) == 0 else {
      throw RelayFailure(error.sentence)
    }
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
