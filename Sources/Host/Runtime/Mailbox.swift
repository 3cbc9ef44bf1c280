import Synchronization

/// Letters for one thread from any other: rare things (a new call, an event), never packets.
///
/// The receiver looks at an atomic flag on each turn and takes the lock only when there is mail, so
/// the media path stays free of locks. It has no bound of its own: what outsiders can cause is
/// bounded by whoever posts it, with a `ByteAllowance`.
package final class Mailbox<Letter: Sendable>: Sendable {
  private let letters = Mutex<[Letter]>([])
  private let hasMail = Atomic<Bool>(false)

  /// An empty one: the receiver has to be woken for the first letter.
  package init() {}

  /// Any thread. True when the receiver has to be woken: it was not told of mail yet.
  @discardableResult
  package func post(_ letter: Letter) -> Bool {
    letters.withLock { $0.append(letter) }
    return !hasMail.exchange(true, ordering: .acquiringAndReleasing)
  }

  /// The receiver's thread: everything that has come since the last call, oldest first.
  package func collect() -> [Letter] {
    guard hasMail.exchange(false, ordering: .acquiringAndReleasing) else { return [] }
    return letters.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}

/// How many bytes may be on their way from one thread to another: taken by the sender, given back
/// by the receiver when it is done with them.
package final class ByteAllowance: Sendable {
  /// In bytes. `used` can be beyond it: see `take` and `add`.
  package let limit: Int
  private let taken = Atomic<Int>(0)

  /// Nothing is taken yet. With a `limit` of 0 or less there is never room.
  package init(limit: Int) {
    self.limit = limit
  }

  /// Bytes on their way.
  package var used: Int { taken.load(ordering: .relaxed) }

  /// Whether less than the limit is on its way.
  package var hasRoom: Bool { used < limit }

  /// Takes `count`, even if that is more than is left: one message of any size may always go when
  /// there `hasRoom`. False, and nothing taken, when there is none.
  package func take(_ count: Int) -> Bool {
    guard hasRoom else { return false }
    add(count)
    return true
  }

  /// Takes `count` in any case: for what has come already and cannot be refused.
  package func add(_ count: Int) { taken.wrappingAdd(count, ordering: .relaxed) }

  /// Gives back what was taken.
  package func give(_ count: Int) {
    let before = taken.wrappingSubtract(count, ordering: .relaxed).oldValue
    precondition(before >= count, "more was given back than taken")
  }
}
