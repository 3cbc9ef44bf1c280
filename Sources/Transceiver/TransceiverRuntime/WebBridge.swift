import Crypto
import Glibc
import Signalling
import Token
import Wire

/// The HTTP side of a transceiver: requests from the web server to `Signalling`, its outcomes to
/// the shards. Lives on the web server's thread.
final class WebBridge: WebHandler {
  private let signalling: Signalling
  private let registry: CallRegistry
  private let shards: [ShardThread]
  private var random = SecureRandom()

  init(
    signalling: consuming Signalling, registry: CallRegistry, shards: [ShardThread]
  ) {
    self.signalling = signalling
    self.registry = registry
    self.shards = shards
  }

  func handle(_ request: ApiRequest) -> ApiResponse {
    let outcome = signalling.handle(
      request, directory: registry, unixSeconds: Int64(time(nil)), random: &random)
    switch outcome {
    case .respond, .forward: break
    case .create(let plan, _): begin(plan)
    case .hangUp(let call, _): shards[Int(call.shard)].post(.hangUp(call.callID))
    }
    return outcome.response
  }

  /// No path leads to a WebSocket yet, so signalling says what there is instead.
  func upgrade(_ request: ApiRequest, to socket: WebSocketID) -> ApiResponse? {
    handle(request)
  }

  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {}

  func closed(_ socket: WebSocketID, code: UInt16) {}

  func wake() {}

  private func begin(_ plan: CallPlan) {
    let shard = shards[Int(plan.shard)]
    registry.begin(
      plan.reference, CallFigures(plan, shard.shard.identity.transceiver), by: plan.caller)
    shard.post(.begin(plan, CallSeeds.fresh()))
  }
}
