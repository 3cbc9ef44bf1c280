package import Backends
package import ServiceClient
package import Session
package import Signalling
package import Token
package import Voice
package import Wire

/// What a transceiver process is told at its start.
package struct TransceiverOptions: Sendable {
  /// Where the HTTP API and the page listen.
  package var http: TransportAddress
  /// Shard 0's trunk address; shard i uses the port `i` above. Port 0: the kernel chooses each.
  package var trunk: TransportAddress
  /// This node's number in the cluster; with the shard's number it is the transceiver ID.
  package var node: UInt16
  /// The cluster's number, sealed into every token.
  package var cluster: UInt16
  /// Threads that own sessions, 1...64. Each has its own socket and its own sessions.
  package var shards: Int
  /// The relays' public addresses, as clients reach them; the answer lists them in this order.
  package var candidates: [TransportAddress]
  /// Who answers a call that names no backend.
  package var backend: BackendKind
  /// The AI service behind calls; nil: only what is built in answers.
  package var service: ServiceOptions?
  /// Of the voice towards the service.
  package var serviceRate = PcmRate.hertz24000
  /// The model's name in sessions that we describe ourselves; "" takes the backend's.
  package var model = ""
  package var keys: RoutingKeys
  /// Trunk datagrams of several packets leave with at most this many bytes of UDP payload, and with
  /// fewer where the way to a relay carries less.
  package var bundleBytes: Int = 1_400
  /// The range of `bundleBytes`; what it means is in the relay's options.
  package static var bundleBytesRange: ClosedRange<Int> { 576...8_972 }
  /// Bits per second of the Opus that we send on a good network, 6,000...510,000; a client that
  /// wants fewer gets fewer.
  package var voiceBitsPerSecond = 64_000
  /// Calls at once over all shards; more get 503.
  package var maximumCalls: Int = 2_000
  /// Where the HTTP sides of other nodes listen: requests about their calls are sent there.
  package var peers: [UInt16: TransportAddress] = [:]
  /// Whom the HTTP API serves.
  package var access = Access.open
  /// Calls at once of one API key, or of one address where nobody needs a key. Nil: half of
  /// `maximumCalls`, so that nobody alone has them all, and no bound for loopback addresses.
  package var callsPerCallerMax: Int?
  /// Calls at once that one client secret may have.
  package var callsPerSecretMax = 16
  /// STUN and TURN servers that clients are told of.
  package var iceServers: [IceServer] = []
  /// How often the figures are told, in seconds; 0: only when SIGUSR1 asks.
  package var statisticsSeconds = 0
  /// The file that gets the figures as JSON with each report.
  package var statisticsFile: String?
  /// When a shard is overloaded.
  package var admission = AdmissionLimits()
  /// How long a call may take to connect, and last.
  package var limits = SessionLimits()

  package init(
    http: TransportAddress, trunk: TransportAddress, node: UInt16, cluster: UInt16, shards: Int,
    candidates: [TransportAddress], backend: BackendKind, keys: RoutingKeys
  ) {
    self.http = http
    self.trunk = trunk
    self.node = node
    self.cluster = cluster
    self.shards = shards
    self.candidates = candidates
    self.backend = backend
    self.keys = keys
  }

  /// The backends that a call may name, with what they are told: those that are built in, and the
  /// one that speaks the service's language.
  var backends: [BackendKind: BackendSettings] {
    let kinds = BackendKind.allCases.filter { !$0.needsService || $0 == service?.endpoint.backend }
    return Dictionary(
      uniqueKeysWithValues: kinds.map { kind in
        var settings = BackendSettings(kind)
        settings.serviceRate = serviceRate
        settings.model = model
        return (kind, settings)
      })
  }
}

extension ServiceEndpoint {
  /// The backend for a service that is reached so.
  package var backend: BackendKind {
    switch scheme {
    case .ws, .wss: .realtime
    case .tcp: .audiosocket
    }
  }
}

/// Why a transceiver could not start: a sentence for the operator.
package struct TransceiverFailure: Error, Sendable, CustomStringConvertible {
  package var description: String
}
