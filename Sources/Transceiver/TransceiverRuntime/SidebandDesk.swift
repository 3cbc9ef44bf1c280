import Runtime
import Signalling
import Token

/// The WebSockets beside calls, as the web server's thread sees them: which call each belongs to,
/// and what is on its way from it. The shards own what the events mean.
final class SidebandDesk {
  /// WebSockets beside one call.
  static let perCallMax = 8
  /// Events of clients on their way to one shard, bytes. A client that sends faster than its shard
  /// takes is cut off; the server reads no client faster than some MB in a second.
  static let waitingBytesMax = 16 << 20

  private let sockets: WebSockets
  private let mail: SidebandMail
  private let shards: [ShardThread]
  private let waiting: [ByteAllowance]
  private var calls: [WebSocketID: CallReference] = [:]
  private var counts: [CallReference: Int] = [:]

  init(sockets: WebSockets, mail: SidebandMail, shards: [ShardThread]) {
    self.sockets = sockets
    self.mail = mail
    self.shards = shards
    waiting = shards.map { _ in ByteAllowance(limit: Self.waitingBytesMax) }
  }

  /// Whether a call can have one more.
  func hasRoom(beside call: CallReference) -> Bool { counts[call, default: 0] < Self.perCallMax }

  func attach(_ socket: WebSocketID, to call: CallReference) {
    calls[socket] = call
    counts[call, default: 0] += 1
    shards[Int(call.shard)].post(.join(call.callID, sideband: socket.number))
  }

  func detach(_ socket: WebSocketID) {
    guard let call = calls.removeValue(forKey: socket) else { return }
    let left = counts[call, default: 1] - 1
    counts[call] = left > 0 ? left : nil
    shards[Int(call.shard)].post(.leave(call.callID, sideband: socket.number))
  }

  /// One message of a client.
  func receive(_ message: [UInt8], isText: Bool, from socket: WebSocketID) {
    guard let call = calls[socket] else { return }
    guard isText else {
      return sockets.close(socket, code: 1_003, reason: "events are text")
    }
    let allowance = waiting[Int(call.shard)]
    guard allowance.take(message.count) else {
      return sockets.close(socket, code: 1_013, reason: "too many events wait to be read")
    }
    shards[Int(call.shard)].post(
      .event(call.callID, sideband: socket.number, message, allowance))
  }

  /// Sends what the shards have posted. A client that does not read what it is sent is cut off.
  func readMail() {
    for letter in mail.collect() {
      switch letter {
      case .event(let bytes, let sidebands):
        for socket in sidebands.map(WebSocketID.init) where calls[socket] != nil {
          if sockets.send(bytes, isText: true, to: socket) { continue }
          sockets.close(socket, code: 1_013, reason: "too many events wait to be sent")
        }
      case .close(let sidebands, let code, let reason):
        for socket in sidebands.map(WebSocketID.init) {
          sockets.close(socket, code: code, reason: reason)
        }
      }
    }
  }
}
