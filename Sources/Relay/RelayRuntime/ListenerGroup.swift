import CPacketLoop
import RelayCore
import Wire

/// The sockets of one listener, one for each worker, in one reuseport group. The workers' loops own
/// the sockets and close them.
///
/// The address is claimed first, by a socket that shares it with nobody: a group of another process
/// would take ours in without a word, and keep a part of what comes. `settle` ends the claim.
final class ListenerGroup {
  /// The address clients send to, with the port that the kernel chose if it did.
  let address: TransportAddress
  let versions: IPVersions
  /// One for each worker, in the workers' order.
  let descriptors: [Int32]
  private var steering: Steering?
  private var claim: Int32
  /// Datagrams that came to the claim, while the relay started.
  private(set) var lostAtStart: UInt64 = 0

  /// The groups of all listeners, in the order of their numbers.
  static func open(_ options: RelayOptions) throws(RelayFailure) -> [ListenerGroup] {
    var groups = [ListenerGroup?](repeating: nil, count: options.listeners.count)
    // Wildcards first: nobody has any of their addresses, so listeners of ours on one of these need
    // no claim, and could not have one.
    let wildcards = options.listeners.indices.filter { options.listeners[$0].isWildcard }
    let others = options.listeners.indices.filter { !options.listeners[$0].isWildcard }
    for number in wildcards + others {
      groups[number] = try ListenerGroup(
        options.listeners[number], options.ipVersions(of: number), workers: options.workers,
        isClaimed: options.isCovered(number))
    }
    return groups.compactMap(\.self)
  }

  /// Opens the sockets. Attach the steering before anything is received. Fails, naming whoever has
  /// the address, when somebody does, unless the claim of another group of ours covers it.
  private init(
    _ local: TransportAddress, _ versions: IPVersions, workers: Int, isClaimed: Bool
  ) throws(RelayFailure) {
    var address = local
    var claim: Int32 = -1
    do {
      if !isClaimed {
        let socket = try Sockets.open(local, .claim(versions))
        claim = socket.descriptor
        address = socket.address
        try Sockets.share(socket)
      }
      descriptors = try Sockets.open(workers) { (_) throws(RelayFailure) in
        try Sockets.open(address, .clients(versions)).descriptor
      }
    } catch {
      if claim >= 0 { Sockets.close([claim]) }
      throw error
    }
    self.claim = claim
    self.address = address
    self.versions = versions
  }

  deinit { if claim >= 0 { Sockets.close([claim]) } }

  /// Ends the claim, once the workers' sockets are steered to. What came to it before is lost and
  /// counted: no route exists yet, and clients repeat their checks. (Where no program steers, a
  /// datagram can still come between the last look and the end, some microseconds later.)
  func settle() {
    guard claim >= 0 else { return }
    lostAtStart = pl_claim_empty(claim)
    Sockets.close([claim])
    claim = -1
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
