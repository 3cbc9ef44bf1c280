import CWeb
import Runtime
import Signalling
import Wire

/// The way to the other transceivers of the cluster: requests about calls that they own go there,
/// and WebSockets beside such calls are tied to ones there. A thread of its own; used by the web
/// server's.
final class PeerHub: Sendable {
  /// What comes back, for the web server's thread.
  enum News: Sendable {
    /// The answer to the request of this number; nil when there was none.
    case answered(UInt64, ApiResponse?)
    case message(WebSocketID, [UInt8], isText: Bool)
    case closed(WebSocketID, code: UInt16, reason: String)
  }

  enum Letter: Sendable {
    case ask(UInt64, TransportAddress, [UInt8])
    case attach(WebSocketID, TransportAddress, path: String, fields: [Field])
    case send(WebSocketID, [UInt8], isText: Bool)
    case close(WebSocketID)
  }

  struct Field: Sendable {
    var name: String
    var value: String
  }

  /// Messages on their way between the two threads, bytes, each way.
  private static let waitingBytesMax = 32 << 20

  /// Where each node's HTTP side listens.
  let peers: [UInt16: TransportAddress]
  private let letters = Mailbox<Letter>()
  private let news = Mailbox<News>()
  private let toPeers = ByteAllowance(limit: waitingBytesMax)
  private let fromPeers = ByteAllowance(limit: waitingBytesMax)
  private let thread: PeerThread
  private let wake: @Sendable () -> Void

  /// - Parameter wake: makes the web server's thread call `collect` soon.
  init(
    _ peers: [UInt16: TransportAddress], wake: @escaping @Sendable () -> Void
  ) throws(TransceiverFailure) {
    self.peers = peers
    self.wake = wake
    let news = news
    let fromPeers = fromPeers
    let core = PeerCore(letters, toPeers, fromPeers) { item in
      if news.post(item) { wake() }
    }
    thread = try PeerThread(core)
  }

  func start() { thread.start() }

  /// Returns when the thread has ended.
  func stop() { thread.stop() }

  private func post(_ letter: Letter) {
    if letters.post(letter) { thread.wake() }
  }

  // MARK: - The web server's thread

  /// Sends a whole request; its answer comes as news under `number`.
  func ask(_ number: UInt64, at address: TransportAddress, _ request: [UInt8]) {
    guard toPeers.take(request.count) else {
      if news.post(.answered(number, nil)) { wake() }
      return
    }
    post(.ask(number, address, request))
  }

  /// Ties a WebSocket of ours to one at another node.
  func attach(
    _ socket: WebSocketID, at address: TransportAddress, path: String, fields: [Field]
  ) {
    post(.attach(socket, address, path: path, fields: fields))
  }

  /// False when too much is on its way.
  func send(_ message: [UInt8], isText: Bool, from socket: WebSocketID) -> Bool {
    guard toPeers.take(message.count) else { return false }
    post(.send(socket, message, isText: isText))
    return true
  }

  func close(_ socket: WebSocketID) { post(.close(socket)) }

  /// What has come since the last call, oldest first.
  func collect() -> [News] {
    let items = news.collect()
    for case .message(_, let bytes, _) in items { fromPeers.give(bytes.count) }
    return items
  }
}
