import Runtime

/// A WebSocket beside a call, between the web server's thread, which holds the socket, and the
/// shard that owns the call: its name, and how much may be on its way between the two.
final class SidebandLine: Sendable {
  let socket: WebSocketID
  /// Events on their way to the shard and back. Beyond it the socket is closed: events may not be
  /// lost in silence.
  let toShard = ByteAllowance(limit: 1 << 20)
  let toClient = ByteAllowance(limit: 4 << 20)

  init(_ socket: WebSocketID) {
    self.socket = socket
  }
}

/// Letters for the web server's thread, from the shards.
final class WebMail: Sendable {
  enum Letter: Sendable {
    /// The call that the request of this number asked for is there, or could not begin.
    case begun(UInt64, Bool)
    /// One event for the client.
    case send(SidebandLine, [UInt8])
    /// The call has ended, or the shard wants no more of this client.
    case close(SidebandLine, code: UInt16, reason: String)
  }

  private let mailbox = Mailbox<Letter>()
  private let wake: @Sendable () -> Void

  /// `wake` makes the web server's thread call `collect` soon.
  init(wake: @escaping @Sendable () -> Void) {
    self.wake = wake
  }

  /// Any thread.
  func post(_ letter: Letter) {
    if mailbox.post(letter) { wake() }
  }

  /// The web server's thread.
  func collect() -> [Letter] { mailbox.collect() }
}
