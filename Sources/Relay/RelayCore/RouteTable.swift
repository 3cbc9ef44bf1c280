import Wire

/// The assured routes of one worker: open addressing with linear probing, fixed in size.
///
/// One thread uses it. Its memory is the caller's; nothing allocates. At most four slots in seven
/// are taken, so a look-up reads one or two cache lines. Removal closes the gap (Knuth, volume 3,
/// section 6.4, algorithm R), so there are no tombstones and a look-up never gets slower with age.
@safe package struct RouteTable: ~Copyable {
  private let slots: UnsafeMutablePointer<Route>
  private let capacity: Int
  private let hash: RouteHash
  /// Routes that the table takes.
  package let routesMax: Int
  /// Routes that it holds.
  package private(set) var count = 0
  /// Where the next sweep begins.
  private var sweepPosition = 0

  /// An empty table for `routesMax` routes, 1 to 2^24, in `memory`: 56 bytes for each, 7 slots for
  /// 4, at a multiple of 64. It writes to all of it, and is done with it when it ends.
  package init(_ memory: UnsafeMutableRawBufferPointer, routesMax: Int, hash: RouteHash) {
    precondition(routesMax > 0 && routesMax <= 1 << 24)
    let capacity = Self.slots(routesMax: routesMax)
    let start = unsafe FlowMemory.start(of: memory, bytes: Self.bytes(routesMax: routesMax))
    self.capacity = capacity
    self.routesMax = routesMax
    self.hash = hash
    unsafe slots = start.bindMemory(to: Route.self, capacity: capacity)
    unsafe slots.initialize(repeating: .empty, count: capacity)
  }

  /// The bytes that a table for `routesMax` routes takes.
  package static func bytes(routesMax: Int) -> Int {
    slots(routesMax: routesMax) * MemoryLayout<Route>.stride
  }

  private static func slots(routesMax: Int) -> Int { max(routesMax * 7 / 4, routesMax + 1) }

  /// The slot of `key`, or -1.
  @_noLocks
  func find(_ key: RouteKey) -> Int {
    var slot = home(of: key)
    // Ends: some slots are always empty.
    while unsafe slots[slot].isOccupied {
      if unsafe slots[slot].key == key { return slot }
      slot = following(slot)
    }
    return -1
  }

  /// Reads the cache line where the look-up of `key` begins, so that it is near when it is needed.
  /// Returns something of it, for the compiler not to leave the reading out.
  @_noLocks
  func touch(_ key: RouteKey) -> UInt16 {
    unsafe slots[home(of: key)].owner
  }

  /// Adds a route whose key is not there yet; traps when it is. False when the table is full.
  @_noLocks
  mutating func insert(_ route: Route) -> Bool {
    guard count < routesMax else { return false }
    var slot = home(of: route.key)
    while unsafe slots[slot].isOccupied {
      precondition(unsafe !(slots[slot].key == route.key), "two routes of one client")
      slot = following(slot)
    }
    unsafe slots[slot] = route
    count &+= 1
    return true
  }

  /// A copy of the route in `slot`, which `find` has returned.
  @_noLocks
  func route(at slot: Int) -> Route {
    precondition(slot >= 0 && slot < capacity)
    return unsafe slots[slot]
  }

  /// Takes note of `speaker`'s frame in the route at `slot` (`Route.note`).
  @_noLocks
  mutating func note(
    at slot: Int, speaker: UInt16, proven: Bool, at now: Instant
  ) -> RouteChange {
    precondition(slot >= 0 && slot < capacity)
    return unsafe slots[slot].note(speaker: speaker, proven: proven, at: now)
  }

  /// Takes note of the end of `speaker`'s session (`Route.end`); true when the route is to go.
  @_noLocks
  mutating func end(at slot: Int, speaker: UInt16, at now: Instant) -> Bool {
    precondition(slot >= 0 && slot < capacity)
    return unsafe slots[slot].end(speaker: speaker, at: now)
  }

  /// Takes the route in `slot` out; what follows it in its run moves up.
  @_noLocks
  mutating func remove(at slot: Int) {
    precondition(slot >= 0 && slot < capacity)
    precondition(unsafe slots[slot].isOccupied, "the slot is empty")
    var hole = slot
    var next = following(slot)
    while unsafe slots[next].isOccupied {
      let wanted = unsafe home(of: slots[next].key)
      // A route may fill the hole unless its home lies behind the hole.
      if distance(wanted, next) >= distance(hole, next) {
        unsafe slots[hole] = slots[next]
        hole = next
      }
      next = following(next)
    }
    unsafe slots[hole].isOccupied = false
    count &-= 1
  }

  /// Looks at the next `slotCount` slots and removes routes whose owner has been silent for more
  /// than `idleNanoseconds`. Returns how many.
  @_noLocks
  mutating func sweep(_ slotCount: Int, at now: Instant, idleNanoseconds: UInt64) -> Int {
    var removed = 0
    var remaining = min(slotCount, capacity)
    while remaining > 0 {
      let route = unsafe slots[sweepPosition]
      if route.isOccupied, route.ownerSpokeAt.nanoseconds(until: now) > idleNanoseconds {
        // What moves into the slot is looked at next: the position stays. Ends, for every removal
        // leaves one route less.
        remove(at: sweepPosition)
        removed += 1
      } else {
        remaining -= 1
        sweepPosition = following(sweepPosition)
      }
    }
    return removed
  }

  @_noLocks @inline(__always)
  private func home(of key: RouteKey) -> Int {
    Int(truncatingIfNeeded: hash(key).multipliedFullWidth(by: UInt64(capacity)).high)
  }

  /// The slot after `slot`; the first follows the last.
  @_noLocks @inline(__always)
  private func following(_ slot: Int) -> Int {
    let next = slot &+ 1
    return next == capacity ? 0 : next
  }

  /// Slots from `first` on to `second`, around the end where need be.
  @_noLocks @inline(__always)
  private func distance(_ first: Int, _ second: Int) -> Int {
    second >= first ? second &- first : second &- first &+ capacity
  }
}
