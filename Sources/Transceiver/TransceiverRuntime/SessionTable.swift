import Session
import Token
import Wire

/// A shard's sessions and the two ways to find one: by the ufrag that a STUN request names, and by
/// the path that everything else comes from.
///
/// One path may be known to two sessions for a moment (a client that starts a new call from the
/// same port, or one that forges another's address): the newest is asked first, and the one whose
/// keys fit takes the packet. Of three, one that has proved the path stays.
struct SessionTable: ~Copyable {
  /// A session's place; valid until it is removed.
  typealias Slot = Int

  private var slots: [CallSession?]
  private var callIDs: [CallID?]
  private var ufrags: [RoutingToken?]
  private var free: [Slot]
  private var byUfrag: [RoutingToken: Slot] = [:]
  private var byPath: [PathID: PathOwners] = [:]
  private var knownPaths: [[PathID]]
  private var deadlines: DeadlineHeap
  private(set) var count = 0

  init(capacity: Int) {
    slots = Array(repeating: nil, count: capacity)
    callIDs = Array(repeating: nil, count: capacity)
    ufrags = Array(repeating: nil, count: capacity)
    knownPaths = Array(repeating: [], count: capacity)
    free = Array((0..<capacity).reversed())
    deadlines = DeadlineHeap(capacity: capacity)
    byUfrag.reserveCapacity(capacity)
    byPath.reserveCapacity(2 * capacity)
  }

  subscript(slot: Slot) -> CallSession {
    guard let session = slots[slot] else { preconditionFailure("an empty session slot was used") }
    return session
  }

  func callID(_ slot: Slot) -> CallID {
    guard let callID = callIDs[slot] else { preconditionFailure("an empty slot has no call") }
    return callID
  }

  /// Takes a session in; nil when the table is full.
  mutating func insert(
    _ session: CallSession, callID: CallID, token: RoutingToken
  ) -> Slot? {
    guard let slot = free.popLast() else { return nil }
    slots[slot] = session
    callIDs[slot] = callID
    ufrags[slot] = token
    byUfrag[token] = slot
    deadlines.set(slot, to: session.deadline)
    count += 1
    return slot
  }

  mutating func remove(_ slot: Slot) {
    precondition(slots[slot] != nil, "a session was removed twice")
    if let token = ufrags[slot] { byUfrag[token] = nil }
    for path in knownPaths[slot] { forget(path, of: slot) }
    knownPaths[slot] = []
    deadlines.set(slot, to: .never)
    slots[slot] = nil
    free.append(slot)
    count -= 1
  }

  func slot(ufrag token: RoutingToken) -> Slot? { byUfrag[token] }

  func owners(of path: PathID) -> PathOwners? { byPath[path] }

  /// Whether a session other than `slot`'s knows `path`.
  func isShared(_ path: PathID, besides slot: Slot) -> Bool {
    guard let owners = byPath[path] else { return false }
    return [owners.first, owners.second].contains { $0 != nil && $0 != slot }
  }

  /// Notes that `slot`'s client has been heard on `path`; the newest claim comes first. The path
  /// that the session itself gave up (its own bound) is forgotten here as well.
  mutating func learn(_ path: PathID, for slot: Slot) {
    var owners = byPath[path] ?? PathOwners()
    // A session that has ended over this very packet learns nothing.
    guard owners.first != slot, let session = slots[slot] else { return }
    owners.claim(slot) { slots[$0]?.isProven(by: path) ?? false }
    byPath[path] = owners
    if !knownPaths[slot].contains(path) { knownPaths[slot].append(path) }
    for stale in knownPaths[slot] where !session.isReached(by: stale) { forget(stale, of: slot) }
    knownPaths[slot].removeAll { !session.isReached(by: $0) }
  }

  private mutating func forget(_ path: PathID, of slot: Slot) {
    guard var owners = byPath[path] else { return }
    owners.release(slot)
    byPath[path] = owners.first == nil ? nil : owners
  }

  // MARK: - Time

  var nextDeadline: Instant { deadlines.earliest }

  func due(at now: Instant) -> Slot? { deadlines.due(at: now) }

  mutating func refreshDeadline(_ slot: Slot) {
    deadlines.set(slot, to: self[slot].deadline)
  }

  /// Every occupied slot.
  var occupied: [Slot] { slots.indices.filter { slots[$0] != nil } }
}

/// The sessions that have been heard on one path, newest first; at most two matter.
struct PathOwners {
  private(set) var first: SessionTable.Slot?
  private(set) var second: SessionTable.Slot?

  /// Puts `slot` first. Of the others the newer stays, unless only the older has proved the path.
  mutating func claim(
    _ slot: SessionTable.Slot, isProven: (SessionTable.Slot) -> Bool = { _ in false }
  ) {
    guard let newer = first, newer != slot else {
      first = slot
      return
    }
    let keepsOlder = second.map { $0 != slot && isProven($0) && !isProven(newer) } ?? false
    if !keepsOlder { second = newer }
    first = slot
  }

  mutating func release(_ slot: SessionTable.Slot) {
    if first == slot {
      first = second
      second = nil
    } else if second == slot {
      second = nil
    }
  }
}
