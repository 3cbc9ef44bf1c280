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
  private let sidebands: Sidebands
  private var random = SecureRandom()

  init(
    signalling: consuming Signalling, registry: CallRegistry, shards: [ShardThread],
    sockets: WebSockets, mail: WebMail
  ) {
    self.signalling = signalling
    self.registry = registry
    self.shards = shards
    sidebands = Sidebands(sockets, mail) { call, line, news in
      let shard = shards[Int(call.shard)]
      switch news {
      case .joined: shard.post(.sidebandJoined(call.callID, line))
      case .said(let event): shard.post(.sidebandSaid(call.callID, line, event))
      case .left: shard.post(.sidebandLeft(call.callID, line))
      }
    }
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
    case .forward(let forward, _): return forward.unreachable
    case .attach(let call, _):
      sidebands.attach(socket, to: call)
      return nil
    }
  }

  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {
    sidebands.receive(message, isText: isText, from: socket)
  }

  func closed(_ socket: WebSocketID, code: UInt16) { sidebands.closed(socket) }

  func wake() { sidebands.readMail() }

  private func begin(_ plan: CallPlan) {
    let shard = shards[Int(plan.shard)]
    registry.begin(
      plan.reference, CallFigures(plan, shard.shard.identity.transceiver), by: plan.caller)
    shard.post(.begin(plan, CallSeeds.fresh()))
  }
}
