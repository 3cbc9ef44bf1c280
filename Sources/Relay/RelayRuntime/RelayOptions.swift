package import RelayCore
package import Token
package import Wire

/// How datagrams of one listener are spread over the workers.
package enum SteeringMode: String, CaseIterable, Sendable {
  /// Consistent hash of listener and client, in the kernel: replacing a worker moves its own flows.
  case flow
  /// The worker of the CPU (or else the nearest) on which a flow's first datagram arrived.
  case cpu
  /// The kernel's own hash; needs no privilege.
  case kernel
}

/// How datagrams leave for clients.
package enum TransmitMode: String, CaseIterable, Sendable {
  /// By the listeners' UDP sockets.
  case udp
  /// As Ethernet frames that the relay makes itself (AF_XDP), as far as it knows where to: half the
  /// CPU time, past the kernel's netfilter, traffic control and packet capture.
  case frames
}

/// What a relay is told at the start.
package struct RelayOptions: Sendable {
  /// Public addresses that clients send to, in the order of their numbers. Port 0 lets the kernel
  /// choose (for tests).
  package var listeners: [TransportAddress]
  /// Where transceivers send to: worker n has a socket of its own, on port + n. Port 0 lets the
  /// kernel choose; a fixed port lets a restarted relay learn its routes from what still flows.
  package var trunk: TransportAddress
  /// Threads, 1 to `workersMax`, each with a socket per listener, a trunk socket and a route table.
  package var workers: Int
  /// Our ID in the trunk's headers: no other relay of the cluster has it.
  package var relayID: UInt16
  /// The cluster whose tokens are taken.
  package var cluster: UInt16
  /// The transceivers that may be reached.
  package var transceivers: [TransceiverEntry]
  /// How clients' datagrams are spread over the workers.
  package var steering: SteeringMode
  /// How datagrams leave for clients.
  package var transmit: TransmitMode
  /// Bind each worker to a CPU of its own (`Placement`); `cpu` steering does so anyway.
  package var pinsCPUs: Bool
  /// The keys that tokens, passwords and the trunk's tags are made with.
  package var keys: RoutingKeys
  /// Sign and check trunk datagrams. Without, both ends have to be on the loopback interface.
  package var signsTrunk: Bool
  /// The greatest bundle in bytes of UDP payload, in `bundleBytesRange`: 1,400 on any path, 8,900
  /// with jumbo frames.
  package var bundleBytes: Int
  /// Routes that each worker keeps, in `routesRange`.
  package var routesMax: Int
  /// How long a route outlives its transceiver's last frame, in `idleSecondsRange`.
  package var idleMilliseconds: UInt64
  /// How often the counters are reported; 0 for never (SIGUSR1 asks at any time).
  package var statisticsSeconds: Int
  /// A file that is written anew with the counters as JSON at each report and at the end.
  package var statisticsFile: String?
  /// How long a worker that has nothing to do asks its network interface for packets before it
  /// waits for an interrupt, in `busyPollRange`; 0 for not at all.
  package var busyPollMicroseconds: Int
  /// How long a worker that was woken waits for more packets before it reads: fuller bundles and
  /// less CPU time for so much delay, in `bundleWaitRange`; 0 for not at all. A worker that is
  /// behind does not wait.
  package var bundleWaitMicroseconds: Int

  /// The options of a relay with these; everything else as the program's own defaults. Nothing is
  /// checked before the relay starts.
  package init(
    listeners: [TransportAddress], trunk: TransportAddress, transceivers: [TransceiverEntry],
    keys: RoutingKeys
  ) {
    self.listeners = listeners
    self.trunk = trunk
    self.transceivers = transceivers
    self.keys = keys
    workers = 1
    relayID = 1
    cluster = 1
    steering = .flow
    transmit = .udp
    pinsCPUs = false
    signsTrunk = true
    bundleBytes = RelayLimits.bundleBytes
    routesMax = RelayLimits.routesMax
    idleMilliseconds = RelayLimits.idleMilliseconds
    statisticsSeconds = 0
    statisticsFile = nil
    busyPollMicroseconds = 0
    bundleWaitMicroseconds = 0
  }
}

/// Why a relay does not start, or cannot go on: a sentence for whoever runs it.
package struct RelayFailure: Error, CustomStringConvertible, Sendable {
  /// The sentence, without a full stop.
  package let description: String

  init(_ description: String) { self.description = description }
}

extension RelayOptions {
  /// Workers that one relay may have.
  package static var workersMax: Int { 64 }
  /// The range of `bundleBytes`: the longest frame of a voice packet, and a jumbo frame's payload.
  package static var bundleBytesRange: ClosedRange<Int> { 576...8972 }
  /// The range of `idleMilliseconds`, in seconds: longer than consent lives (RFC 7675).
  package static var idleSecondsRange: ClosedRange<Int> {
    Int(RelayLimits.idleMillisecondsMin / 1000)...3600
  }
  /// The range of `busyPollMicroseconds`.
  package static var busyPollRange: ClosedRange<Int> { 0...10_000 }
  /// The range of `bundleWaitMicroseconds`.
  package static var bundleWaitRange: ClosedRange<Int> { 0...10_000 }
  /// The range of `routesMax`.
  package static var routesRange: ClosedRange<Int> { 64...4_194_304 }

  /// Checks what can be checked before anything is opened. `ownAddresses` are those of this
  /// machine's interfaces, with port 0.
  func check(ownAddresses: Set<TransportAddress>) throws(RelayFailure) {
    guard !listeners.isEmpty else { throw RelayFailure("no address to listen on is given") }
    guard listeners.count <= RelayLimits.listenersMax else {
      throw RelayFailure(
        "\(listeners.count) listeners are given, \(RelayLimits.listenersMax) are the most")
    }
    for (number, listener) in listeners.enumerated()
    where listener.port != 0 && listeners[..<number].contains(listener) {
      throw RelayFailure("\(listener) is given twice")
    }
    guard (1...Self.workersMax).contains(workers) else {
      throw RelayFailure("\(workers) workers are asked for; 1 to \(Self.workersMax) are possible")
    }
    guard Self.bundleBytesRange.contains(bundleBytes) else {
      throw RelayFailure("a bundle of \(bundleBytes) bytes is out of range")
    }
    guard trunk.port == 0 || Int(trunk.port) + workers <= 65_536 else {
      throw RelayFailure("\(workers) workers need as many trunk ports from \(trunk.port) on")
    }
    do { _ = try TransceiverPlaces(transceivers) } catch {
      throw RelayFailure(error.description)
    }
    try checkDestinations()
    try checkReach(ownAddresses)
  }

  /// From a loopback address the kernel sends nothing to another machine, and nobody there could
  /// answer to it.
  private func checkReach(_ ownAddresses: Set<TransportAddress>) throws(RelayFailure) {
    guard trunk.isLoopback else { return }
    for entry in transceivers {
      var host = entry.address
      host.port = 0
      guard entry.address.isLoopback || ownAddresses.contains(host) else {
        throw RelayFailure(
          "--trunk \(trunk) is a loopback address, and transceiver \(entry.id) at \(entry.address) "
            + "is on another machine: give --trunk an address of this machine that it can answer to"
        )
      }
    }
  }

  /// A destination that is one of our own sockets would be a loop; a trunk without tags may not
  /// leave the machine.
  private func checkDestinations() throws(RelayFailure) {
    for entry in transceivers {
      guard !isOurs(entry.address) else {
        throw RelayFailure("transceiver \(entry.id) is at an address of this relay itself")
      }
      guard entry.address.isIPv4 == trunk.isIPv4 else {
        throw RelayFailure(
          "transceiver \(entry.id) at \(entry.address) cannot be reached from \(trunk)")
      }
      guard signsTrunk || (trunk.isLoopback && entry.address.isLoopback) else {
        throw RelayFailure("a trunk without a key is for the loopback interface only")
      }
    }
  }

  private func isOurs(_ address: TransportAddress) -> Bool {
    if address.port != 0, listeners.contains(address) { return true }
    guard trunk.port != 0, address.high == trunk.high, address.low == trunk.low else {
      return false
    }
    return (Int(trunk.port)..<Int(trunk.port) + workers).contains(Int(address.port))
  }
}
