import CPacketLoop
import Wire

/// The sockets of one listener, one for each worker, in one reuseport group. The workers' loops own
/// the sockets and close them.
final class ListenerGroup {
  /// The address clients send to, with the port that the kernel chose if it did.
  let address: TransportAddress
  /// One for each worker, in the workers' order.
  let descriptors: [Int32]
  private var steering: Steering?

  /// Opens the sockets. Attach the steering before anything is received.
  init(_ local: TransportAddress, workers: Int) throws(RelayFailure) {
    var address = local
    descriptors = try Sockets.open(workers) { (_) throws(RelayFailure) in
      let socket = try Sockets.open(address, .clients)
      address = socket.address
      return socket.descriptor
    }
    self.address = address
  }

  /// Has the kernel spread the datagrams as the options say. Returns why it does not, or nil.
  func steer(_ options: RelayOptions, _ placement: Placement) throws(RelayFailure) -> String? {
    guard options.steering != .kernel else { return nil }
    if options.steering == .cpu { preferCPUs(placement) }
    switch try Steering.attach(options, to: descriptors, placement) {
    case .refused(let sentence): return sentence
    case .steering(let steering):
      self.steering = steering
      return nil
    }
  }

  /// Has the kernel's own hash, which chooses where eBPF is refused or a slot is empty, take the
  /// worker of the receiving CPU (Linux 6.2 and later; where that is unknown nothing changes).
  private func preferCPUs(_ placement: Placement) {
    for (worker, descriptor) in descriptors.enumerated() where placement.cpu(of: worker) >= 0 {
      _ = pl_socket_prefer_cpu(descriptor, Int32(placement.cpu(of: worker)))
    }
  }

  /// Whether a program of ours spreads the datagrams, rather than the kernel's own hash.
  var isSteered: Bool { steering != nil }

  /// What the steering program has done so far.
  var steeringCounters: SteeringCounters {
    steering.map { SteeringCounters($0.counters) } ?? SteeringCounters()
  }
}

/// The workers' trunk sockets: each has an address of its own, so that answers come back to the
/// worker that has the route. The workers' loops own them and close them.
final class TrunkSockets {
  let addresses: [TransportAddress]
  let descriptors: [Int32]

  /// Worker n gets `local`'s port + n, or any when that is 0.
  init(_ local: TransportAddress, workers: Int) throws(RelayFailure) {
    var addresses: [TransportAddress] = []
    descriptors = try Sockets.open(workers) { (number) throws(RelayFailure) in
      var address = local
      if local.port != 0 { address.port += UInt16(number) }
      let socket = try Sockets.open(address, .trunk)
      addresses.append(socket.address)
      return socket.descriptor
    }
    self.addresses = addresses
  }

  /// The first address and how many there are, for the log.
  var text: String { addresses.map(\.description).joined(separator: ",") }
}
