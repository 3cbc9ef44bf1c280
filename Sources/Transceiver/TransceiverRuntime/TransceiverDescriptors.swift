import Log
import Runtime

extension TransceiverOptions {
  /// Fewer connections at once are no HTTP side.
  private static let leastConnections = 64

  /// The files and sockets of a transceiver: for each shard its socket and what its loop waits
  /// with; the HTTP side's connections, of which as many may be about to end; a service's
  /// connection for each call; and a few of the process's own.
  var descriptorNeed: DescriptorNeed {
    let own = shards * 4 + 48
    let services = service == nil ? 0 : maximumCalls + ServiceRoom.spare
    let purpose =
      "\(WebServer.connectionsMax) HTTP connections"
      + (service == nil ? "" : " and the service's for \(maximumCalls) calls")
    return DescriptorNeed(
      least: own + Self.leastConnections + (service == nil ? 0 : Self.leastConnections),
      all: own + 2 * WebServer.connectionsMax + services, purpose: purpose)
  }
}

/// How many connections of services there may be beside those of running calls.
enum ServiceRoom {
  /// For those that are about to end.
  static let spare = 256
}

extension DescriptorLimit {
  /// Raises the limit as far as a transceiver needs; says what is missing, and refuses a limit with
  /// which it could not serve.
  static func claim(_ options: TransceiverOptions, _ log: Log) throws(TransceiverFailure) {
    let need = options.descriptorNeed
    switch need.verdict(limit: raise(to: need.all)) {
    case .enough: return
    case .tight(let sentence): log.warning(sentence)
    case .tooFew(let sentence): throw TransceiverFailure(description: sentence)
    }
  }
}
