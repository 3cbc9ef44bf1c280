import Session
import Token
import Wire

/// A shard's calls and the ways to find one: by the ufrag that a STUN request names, by the path
/// that everything else comes from, and by the call's ID.
///
/// One path may be known to two calls for a moment (a client that starts a new call from the same
/// port, or one that forges another's address): the newest is asked first, and the one whose keys
/// fit takes the packet. Of three, one that has proved the path stays.
struct CallTable: ~Copyable {
  /// A call's place; valid until it is removed.
  typealias Slot = Int

  private var slots: [Call?]
  private var free: [Slot]
  private var byUfrag: [RoutingToken: Slot] = [:]
  private var byPath: [PathID: PathOwners] = [:]
  private var byID: [CallID: Slot] = [:]
  private var deadlines: DeadlineHeap
  private(set) var count = 0

  init(capacity: Int) {
    slots = Array(repeating: nil, count: capacity)
    free = Array((0..<capacity).reversed())
    deadlines = DeadlineHeap(capacity: capacity)
    byUfrag.reserveCapacity(capacity)
    byPath.reserveCapacity(2 * capacity)
    byID.reserveCapacity(capacity)
  }

  subscript(slot: Slot) -> Call {
    guard let call = slots[slot] else { preconditionFailure("an empty slot was used") }
    return call
  }

  /// Takes a call in; nil when the table is full.
  mutating func insert(_ call: Call) -> Slot? {
    guard let slot = free.popLast() else { return nil }
    slots[slot] = call
    byUfrag[call.ufrag] = slot
    byID[call.callID] = slot
    deadlines.set(slot, to: call.session.deadline)
    count += 1
    return slot
  }

  mutating func remove(_ slot: Slot) {
    let call = self[slot]
    byUfrag[call.ufrag] = nil
    byID[call.callID] = nil
    for path in call.paths { forget(path, of: slot) }
    deadlines.set(slot, to: .never)
    slots[slot] = nil
    free.append(slot)
    count -= 1
  }

  func slot(ufrag token: RoutingToken) -> Slot? { byUfrag[token] }

  func slot(_ callID: CallID) -> Slot? { byID[callID] }

  /// The call whose connection `service` is; nil when that was given up.
  func slot(_ service: ServiceID) -> Slot? {
    let slot = Int(service.slot)
    precondition(slots.indices.contains(slot), "a connection of another shard")
    return slots[slot]?.service == service ? slot : nil
  }

  func owners(of path: PathID) -> PathOwners? { byPath[path] }

  /// Whether a call other than `slot`'s knows `path`.
  func isShared(_ path: PathID, besides slot: Slot) -> Bool {
    guard let owners = byPath[path] else { return false }
    return [owners.first, owners.second].contains { $0 != nil && $0 != slot }
  }

  /// Notes that `slot`'s client has been heard on `path`; the newest claim comes first. The path
  /// that the session itself gave up (its own bound) is forgotten here as well.
  mutating func learn(_ path: PathID, for slot: Slot) {
    var owners = byPath[path] ?? PathOwners()
    // A call that has ended over this very packet learns nothing.
    guard owners.first != slot, let call = slots[slot] else { return }
    owners.claim(slot) { slots[$0]?.session.isProven(by: path) ?? false }
    byPath[path] = owners
    if !call.paths.contains(path) { call.paths.append(path) }
    for stale in call.paths where !call.session.isReached(by: stale) { forget(stale, of: slot) }
    call.paths.removeAll { !call.session.isReached(by: $0) }
  }

  private mutating func forget(_ path: PathID, of slot: Slot) {
    guard var owners = byPath[path] else { return }
    owners.release(slot)
    byPath[path] = owners.first == nil ? nil : owners
  }

  // MARK: - Time

  var nextDeadline: Instant { deadlines.earliest }

  func due(at now: Instant) -> Slot? { deadlines.due(at: now) }

  mutating func setDeadline(of slot: Slot, to instant: Instant) {
    deadlines.set(slot, to: instant)
  }

  /// Every occupied slot; work for the calls that there are, not for those that there may be.
  var occupied: [Slot] { byID.values.sorted() }
}

/// The calls that have been heard on one path, newest first; at most two matter.
struct PathOwners {
  private(set) var first: CallTable.Slot?
  private(set) var second: CallTable.Slot?

  /// Puts `slot` first. Of the others the newer stays, unless only the older has proved the path.
  mutating func claim(
    _ slot: CallTable.Slot, isProven: (CallTable.Slot) -> Bool = { _ in false }
  ) {
    guard let newer = first, newer != slot else {
      first = slot
      return
    }
    let keepsOlder = second.map { $0 != slot && isProven($0) && !isProven(newer) } ?? false
    if !keepsOlder { second = newer }
    first = slot
  }

  mutating func release(_ slot: CallTable.Slot) {
    if first == slot {
      first = second
      second = nil
    } else if second == slot {
      second = nil
    }
  }
}
