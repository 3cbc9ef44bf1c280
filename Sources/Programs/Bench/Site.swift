import CTraffic
import Glibc
import Launcher
import Settings
import Wire

/// Where a run takes place, all of it on the loopback interface: the forwarder's addresses, and the
/// sockets of the clients and of the transceivers.
final class Site {
  /// One socket of ours and the port that it has.
  struct Socket {
    let descriptor: Int32
    let port: UInt16
  }

  /// 127.0.0.1: the forwarder and the transceivers.
  static let home: UInt32 = 0x7F00_0001
  /// The address of the first client; the others follow.
  private static let firstClient: UInt32 = 0x7F10_0001
  /// The kernel's queue of each of our sockets: a tenth of a second of the fastest forwarder.
  private static let queueBytes: Int32 = 48 << 20

  /// How many clients there are; each has an address of its own.
  let flows: Int
  /// The clients share these sockets; client n uses the socket n modulo their number.
  let clients: [Socket]
  let transceivers: [Socket]
  /// The forwarder's port for clients.
  let listenPort: UInt16
  /// The forwarder's port for transceivers.
  let trunkPort: UInt16

  /// Opens the sockets. `seed` moves the place where free ports are looked for.
  init(
    flows: Int, clientSockets: Int, transceivers count: Int, hasStamps: Bool, seed: UInt16
  ) throws(BenchFailure) {
    guard let port = PortCheck.freeTrunkPort(count: 2, seed: seed) else {
      throw BenchFailure("there are no two free UDP ports in a row on 127.0.0.1")
    }
    self.flows = flows
    listenPort = port
    trunkPort = port + 1
    clients = try Self.open(clientSockets, at: 0, hasStamps)
    transceivers = try Self.open(count, at: Self.home, hasStamps)
  }

  deinit {
    for socket in clients + transceivers { ct_socket_close(socket.descriptor) }
  }

  private static func open(
    _ count: Int, at address: UInt32, _ hasStamps: Bool
  ) throws(BenchFailure) -> [Socket] {
    var sockets: [Socket] = []
    for _ in 0..<count {
      var port: UInt16 = 0
      let descriptor = unsafe ct_socket_open(address, queueBytes, hasStamps, &port)
      guard descriptor >= 0 else {
        for socket in sockets { ct_socket_close(socket.descriptor) }
        throw BenchFailure("cannot open a UDP socket: \(systemErrorText(errno))")
      }
      sockets.append(Socket(descriptor: descriptor, port: port))
    }
    return sockets
  }

  /// The address that client `flow` sends from.
  func client(_ flow: Int) -> TransportAddress {
    TransportAddress(
      ipv4: Self.firstClient + UInt32(flow), port: clients[flow % clients.count].port)
  }

  /// The transceiver that owns the call of client `flow`.
  func owner(of flow: Int) -> Int { flow % transceivers.count }

  /// The name of a transceiver on the trunk.
  static func name(ofTransceiver number: Int) -> TransceiverID {
    TransceiverID(node: 1, shard: UInt8(number))
  }
}
