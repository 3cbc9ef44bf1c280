import Runtime
import Synchronization

/// What calls have to say to the WebSockets beside them: posted by shards, sent by the web server's
/// thread.
final class SidebandMail: Sendable {
  enum Letter: Sendable {
    /// One event, to each of them.
    case event([UInt8], to: [UInt32])
    case close([UInt32], code: UInt16, reason: String)
  }

  /// Events on their way, bytes over all calls.
  private static let waitingBytesMax = 32 << 20

  private let mailbox = Mailbox<Letter>()
  private let waiting = ByteAllowance(limit: waitingBytesMax)
  private let waker = Mutex<(@Sendable () -> Void)?>(nil)

  /// What wakes the web server's thread.
  func wake(by waker: @escaping @Sendable () -> Void) {
    self.waker.withLock { $0 = waker }
  }

  /// Any thread. False when too much is on its way: the event is lost, and whoever missed it must
  /// not go on as if nothing had happened.
  func send(_ event: [UInt8], to sidebands: [UInt32]) -> Bool {
    guard waiting.take(event.count) else { return false }
    post(.event(event, to: sidebands))
    return true
  }

  /// Any thread.
  func close(_ sidebands: [UInt32], code: UInt16, reason: String) {
    guard !sidebands.isEmpty else { return }
    post(.close(sidebands, code: code, reason: reason))
  }

  private func post(_ letter: Letter) {
    guard mailbox.post(letter) else { return }
    waker.withLock { $0 }?()
  }

  /// The web server's thread: what has come since the last call, oldest first.
  func collect() -> [Letter] {
    let letters = mailbox.collect()
    for case .event(let bytes, _) in letters { waiting.give(bytes.count) }
    return letters
  }
}
