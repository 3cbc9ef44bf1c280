import Signalling
import Wire

/// Requests and WebSockets whose calls other nodes own, on the web server's thread: they go to a
/// `PeerHub`, and what comes back goes to the clients that wait.
final class Forwarder {
  private let hub: PeerHub
  // The server's handler holds this one.
  private unowned let server: WebServer
  private let sockets: WebSockets
  private let refusals: Refusals
  /// Who waits, by the number of the request, and what to say when the owner says nothing.
  private var waiting: [UInt64: (peer: String, unreachable: ApiResponse)] = [:]
  private var tied: Set<WebSocketID> = []

  init(_ hub: PeerHub, _ server: WebServer, _ sockets: WebSockets, _ refusals: Refusals) {
    self.refusals = refusals
    self.hub = hub
    self.server = server
    self.sockets = sockets
  }

  /// nil: the answer comes later.
  func ask(_ request: ApiRequest, _ forward: Forward, later: () -> UInt64) -> ApiResponse? {
    guard let address = hub.peers[forward.node] else { return forward.unreachable }
    let number = later()
    waiting[number] = (request.peer, forward.unreachable)
    hub.ask(number, at: address, forward.bytes(of: request, authority: "\(address)"))
    return nil
  }

  /// nil: the WebSocket is let in. Whether the call lives is for its owner to say: if not, the
  /// WebSocket is closed with 4404.
  func attach(
    _ socket: WebSocketID, _ request: ApiRequest, _ forward: Forward
  ) -> ApiResponse? {
    guard let address = hub.peers[forward.node] else { return forward.unreachable }
    tied.insert(socket)
    hub.attach(
      socket, at: address, path: Forward.target(request),
      fields: forward.fields(of: request).map { PeerHub.Field(name: $0.name, value: $0.value) })
    return nil
  }

  /// One message of a client; false when its WebSocket is tied to no other node.
  func take(_ message: [UInt8], isText: Bool, from socket: WebSocketID) -> Bool {
    guard tied.contains(socket) else { return false }
    if !hub.send(message, isText: isText, from: socket) {
      sockets.close(socket, code: 1_013, reason: "too many events wait to be sent")
    }
    return true
  }

  func closed(_ socket: WebSocketID) {
    if tied.remove(socket) != nil { hub.close(socket) }
  }

  /// Does what the other nodes have answered.
  func readNews() {
    for item in hub.collect() {
      switch item {
      case .answered(let number, let response):
        guard let client = waiting.removeValue(forKey: number) else { continue }
        let answer = response ?? client.unreachable
        refusals.note(answer, to: client.peer)
        server.resume(number, with: answer)
      case .message(let socket, let bytes, let isText):
        guard tied.contains(socket) else { continue }
        if !sockets.send(bytes, isText: isText, to: socket) {
          sockets.close(socket, code: 1_013, reason: "too many events wait to be read")
        }
      case .closed(let socket, let code, let reason):
        sockets.close(socket, code: code, reason: reason)
      }
    }
  }
}
