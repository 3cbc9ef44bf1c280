import Backends
import Runtime
import Signalling
import TransceiverCore

/// The WebSockets beside calls, on the web server's thread: what they say goes to the shards, and
/// what the shards answer goes out. A sideband and its call end with each other's notice, whichever
/// is first.
final class Sidebands {
  /// What a shard is told; a client is a WebSocket here.
  enum News: Sendable {
    case joined
    case said([UInt8])
    case left
  }

  private struct Attached {
    var line: SidebandLine
    var call: CallReference
  }

  private let sockets: WebSockets
  private let tell: (CallReference, SidebandLine, News) -> Void
  private var attached: [WebSocketID: Attached] = [:]

  init(
    _ sockets: WebSockets,
    tell: @escaping (CallReference, SidebandLine, News) -> Void
  ) {
    self.sockets = sockets
    self.tell = tell
  }

  /// Whether a call can have one more.
  func hasRoom(beside call: CallReference) -> Bool {
    attached.values.count { $0.call == call } < Shard.clientsMax
  }

  func attach(_ socket: WebSocketID, to call: CallReference) {
    let line = SidebandLine(socket)
    attached[socket] = Attached(line: line, call: call)
    tell(call, line, .joined)
  }

  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {
    guard let (line, call) = attached[socket].map({ ($0.line, $0.call) }) else { return }
    guard isText else {
      return sockets.close(socket, code: 1_003, reason: "Events are text.")
    }
    guard line.toShard.take(message.count) else {
      return sockets.close(socket, code: 1_008, reason: "Too many events at once.")
    }
    tell(call, line, .said(message))
  }

  func closed(_ socket: WebSocketID) {
    guard let gone = attached.removeValue(forKey: socket) else { return }
    tell(gone.call, gone.line, .left)
  }

  /// One event for a client.
  func send(_ bytes: [UInt8], by line: SidebandLine) {
    line.toClient.give(bytes.count)
    guard attached[line.socket] != nil else { return }
    if !sockets.send(bytes, isText: true, to: line.socket) {
      sockets.close(line.socket, code: 1_008, reason: "Events are not read fast enough.")
    }
  }

  func close(_ line: SidebandLine, code: UInt16, reason: String) {
    sockets.close(line.socket, code: code, reason: reason)
  }
}
