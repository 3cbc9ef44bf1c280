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
  private let sidebands: SidebandDesk
  private var random = SecureRandom()

  init(
    signalling: consuming Signalling, registry: CallRegistry, shards: [ShardThread],
    sidebands: SidebandDesk
  ) {
    self.signalling = signalling
    self.registry = registry
    self.shards = shards
    self.sidebands = sidebands
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

  func upgrade(_ request: ApiRequest, to socket: WebSocketID) -> ApiResponse? {
    let outcome = signalling.upgrade(
      request, directory: registry, unixSeconds: Int64(time(nil)))
    switch outcome {
    case .refuse(let response): return response
    case .attach(let call):
      guard sidebands.hasRoom(beside: call) else { return Self.tooManySidebands }
      sidebands.attach(socket, to: call)
      return nil
    case .forward(let forward): return forward.unreachable
    }
  }

  private static let tooManySidebands = ApiError(
    429, "too_many_sidebands",
    "A call has at most \(SidebandDesk.perCallMax) WebSockets beside it."
  ).response

  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {
    sidebands.receive(message, isText: isText, from: socket)
  }

  func closed(_ socket: WebSocketID, code: UInt16) { sidebands.detach(socket) }

  func wake() { sidebands.readMail() }

  private func begin(_ plan: CallPlan) {
    let shard = shards[Int(plan.shard)]
    registry.begin(
      plan.reference, CallFigures(plan, shard.shard.identity.transceiver), by: plan.caller)
    shard.post(.begin(plan, CallSeeds.fresh()))
  }
}
