import Synchronization

/// Commands for one thread from any other: rare things (a new call, a hang-up), never packets.
///
/// The receiver looks at an atomic flag on each turn and takes the lock only when there is mail, so
/// the media path stays free of locks.
final class Mailbox<Letter: Sendable>: Sendable {
  private let letters = Mutex<[Letter]>([])
  private let hasMail = Atomic<Bool>(false)

  /// Any thread. The caller then wakes the receiver.
  func post(_ letter: Letter) {
    letters.withLock { $0.append(letter) }
    hasMail.store(true, ordering: .releasing)
  }

  /// The receiver's thread: everything that has come since the last call, oldest first.
  func collect() -> [Letter] {
    guard hasMail.exchange(false, ordering: .acquiring) else { return [] }
    return letters.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}
