import Crypto
import Glibc
import Signalling
import Token
import TransceiverCore
import Wire

/// The HTTP side of a transceiver: requests from the web server to `Signalling`, its outcomes to
/// the shards. Lives on the web server's thread.
final class WebBridge: WebHandler {
  private let signalling: Signalling
  private let registry: CallRegistry
  private let shards: [ShardThread]
  private let sidebands: Sidebands
  private let mail: WebMail
  // The server's handler holds this one.
  private unowned let server: WebServer
  /// The answers of calls that their shards have not begun yet, by the number of the request.
  private var answers: [UInt64: (response: ApiResponse, peer: String)] = [:]
  private let forwarder: Forwarder?
  private let refusals: Refusals
  private var random = SecureRandom()

  /// - Parameter forwarder: the way to the other nodes; nil when there are none.
  init(
    signalling: consuming Signalling, registry: CallRegistry, shards: [ShardThread],
    server: WebServer, sockets: WebSockets, mail: WebMail, forwarder: Forwarder?,
    refusals: Refusals
  ) {
    self.refusals = refusals
    self.forwarder = forwarder
    self.signalling = signalling
    self.registry = registry
    self.shards = shards
    self.server = server
    self.mail = mail
    sidebands = Sidebands(sockets) { call, line, news in
      shards[Int(call.shard)].post(.sideband(call.callID, line, news))
    }
  }

  func handle(_ request: ApiRequest, later: () -> UInt64) -> ApiResponse? {
    let response = answer(request, later: later)
    if let response { refusals.note(response, to: request.peer) }
    return response
  }

  func upgrade(_ request: ApiRequest, to socket: WebSocketID) -> ApiResponse? {
    let refusal = letIn(request, to: socket)
    if let refusal { refusals.note(refusal, to: request.peer) }
    return refusal
  }

  func refused(status: UInt16, code: String, peer: String) {
    refusals.note(status, code, to: peer)
  }

  /// nil: the answer comes later.
  private func answer(_ request: ApiRequest, later: () -> UInt64) -> ApiResponse? {
    let outcome = signalling.handle(
      request, directory: registry, unixSeconds: Int64(time(nil)), random: &random)
    switch outcome {
    case .respond: break
    case .forward(let forward):
      guard let forwarder else { break }
      return forwarder.ask(request, forward, later: later)
    case .create(let plan, let response):
      let number = later()
      answers[number] = (response, request.peer)
      begin(plan, request: number)
      return nil
    case .hangUp(let call, _): shards[Int(call.shard)].post(.hangUp(call.callID))
    }
    return outcome.response
  }

  /// nil: the WebSocket is let in.
  private func letIn(_ request: ApiRequest, to socket: WebSocketID) -> ApiResponse? {
    let outcome = signalling.upgrade(
      request, directory: registry, unixSeconds: Int64(time(nil)), random: &random)
    switch outcome {
    case .refuse(let response): return response
    case .forward(let forward):
      guard let forwarder else { return forward.unreachable }
      return forwarder.attach(socket, request, forward)
    case .attach(let call):
      guard sidebands.hasRoom(beside: call) else { return Self.tooManySidebands }
      sidebands.attach(socket, to: call)
      return nil
    }
  }

  private static let tooManySidebands = ApiError(
    429, "too_many_sidebands",
    "A call has at most \(Shard.clientsMax) WebSockets beside it."
  ).response

  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {
    if forwarder?.take(message, isText: isText, from: socket) == true { return }
    sidebands.receive(message, isText: isText, from: socket)
  }

  func closed(_ socket: WebSocketID, code: UInt16) {
    forwarder?.closed(socket)
    sidebands.closed(socket)
  }

  func wake() {
    readMail()
    forwarder?.readNews()
  }

  /// Does what the shards want.
  private func readMail() {
    for letter in mail.collect() {
      switch letter {
      case .begun(let request, let hasBegun): answer(request, hasBegun)
      case .send(let line, let bytes): sidebands.send(bytes, by: line)
      case .close(let line, let code, let reason):
        sidebands.close(line, code: code, reason: reason)
      }
    }
  }

  /// A client that was told of a call finds it there.
  private func answer(_ request: UInt64, _ hasBegun: Bool) {
    guard let answer = answers.removeValue(forKey: request) else { return }
    let response = hasBegun ? answer.response : Signalling.notBegun
    refusals.note(response, to: answer.peer)
    server.resume(request, with: response)
  }

  private func begin(_ plan: CallPlan, request: UInt64) {
    let shard = shards[Int(plan.shard)]
    registry.begin(plan.reference, CallFigures(plan, shard.transceiver), by: plan.caller)
    shard.post(.begin(plan, CallSeeds.fresh(), request: request))
  }
}
