/// The actions of a backend that wait to be taken. Empties with each call that a session makes, so
/// it holds what one event can cause; costs nothing while it is empty.
package struct ActionQueue: Sendable {
  private var waiting: [PartyAction] = []
  private var taken = 0

  /// Empty; takes memory with the first action only.
  package init() {}

  /// Puts `action` behind those that wait. Knows no bound: who adds keeps to few for each event.
  package mutating func add(_ action: PartyAction) {
    waiting.append(action)
  }

  /// Takes the oldest action out; nil when none waits. Keeps its memory for those that follow.
  package mutating func next() -> PartyAction? {
    guard taken < waiting.count else { return nil }
    defer {
      taken += 1
      if taken == waiting.count {
        waiting.removeAll(keepingCapacity: true)
        taken = 0
      }
    }
    return waiting[taken]
  }
}
