import Wire

/// A flow that its transceiver has not answered yet.
struct Candidate: BitwiseCopyable {
  var key: RouteKey
  var isOccupied: Bool
  /// The transceiver's place in the directory.
  var owner: UInt16
  /// When the last good check of this client came.
  var seenAt: Instant

  @_noLocks
  func isLive(at now: Instant) -> Bool {
    isOccupied && now.nanoseconds(since: seenAt) < RelayLimits.candidateNanoseconds
  }
}

/// The flows that no transceiver has answered yet: small, apart from the routes, self-cleaning.
///
/// A key has four places; when all are taken the oldest gives way. So a flood with a replayed token
/// displaces other unanswered flows at the most, never a route that is alive. Fixed in size; one
/// thread; its memory is the caller's, and nothing allocates.
@safe package struct CandidateTable: ~Copyable {
  static var ways: Int { @_noLocks get { 4 } }

  private let places: UnsafeMutablePointer<Candidate>
  private let groupMask: Int
  private let hash: RouteHash
  /// Flows that the table holds at most.
  package var candidatesMax: Int { (groupMask + 1) * Self.ways }

  /// An empty table for `candidatesMax` flows, 1 to 2^24, rounded up to a power of two, in
  /// `memory`: 32 bytes for each, at a multiple of 64. It writes to all of it, and is done with it
  /// when it ends.
  package init(
    _ memory: UnsafeMutableRawBufferPointer, candidatesMax: Int, hash: RouteHash
  ) {
    precondition(candidatesMax > 0 && candidatesMax <= 1 << 24)
    let capacity = Self.slots(candidatesMax: candidatesMax)
    let start = unsafe FlowMemory.start(
      of: memory, bytes: Self.bytes(candidatesMax: candidatesMax))
    groupMask = capacity / Self.ways - 1
    self.hash = hash
    let nobody = Candidate(
      key: Route.empty.key, isOccupied: false, owner: 0, seenAt: Instant(nanoseconds: 0))
    unsafe places = start.bindMemory(to: Candidate.self, capacity: capacity)
    unsafe places.initialize(repeating: nobody, count: capacity)
  }

  /// The bytes that a table for `candidatesMax` flows takes.
  package static func bytes(candidatesMax: Int) -> Int {
    slots(candidatesMax: candidatesMax) * MemoryLayout<Candidate>.stride
  }

  private static func slots(candidatesMax: Int) -> Int {
    PowerOfTwo.atLeast(max(candidatesMax, ways))
  }

  /// The live flow of `key`: its transceiver's place in the directory, or -1.
  @_noLocks
  func owner(of key: RouteKey, at now: Instant) -> Int {
    let first = firstPlace(of: key)
    for place in first..<first + Self.ways {
      let candidate = unsafe places[place]
      if candidate.isLive(at: now), candidate.key == key { return Int(candidate.owner) }
    }
    return -1
  }

  /// What a good check did to the table.
  enum Change: BitwiseCopyable {
    /// The flow was there and lives on.
    case renewed
    /// The flow is new.
    case opened
    /// The flow is new, and a live one of another client gave way.
    case displaced
  }

  /// Notes a good check of `key` for `owner`.
  @_noLocks
  mutating func note(_ key: RouteKey, owner: UInt16, at now: Instant) -> Change {
    let place = placeToTake(for: key, at: now)
    let before = unsafe places[place]
    unsafe places[place] = Candidate(key: key, isOccupied: true, owner: owner, seenAt: now)
    if !before.isLive(at: now) { return .opened }
    return before.key == key ? .renewed : .displaced
  }

  /// Forgets `key`: it has become a route, or its session has ended. False when it was not there.
  @_noLocks
  mutating func remove(_ key: RouteKey, at now: Instant) -> Bool {
    let first = firstPlace(of: key)
    for place in first..<first + Self.ways where unsafe places[place].key == key {
      let wasLive = unsafe places[place].isLive(at: now)
      unsafe places[place].isOccupied = false
      if wasLive { return true }
    }
    return false
  }

  /// The place that `key` has; else a free one; else the one that has waited longest.
  @_noLocks
  private func placeToTake(for key: RouteKey, at now: Instant) -> Int {
    let first = firstPlace(of: key)
    var best = first
    var bestSeenAt = Instant.never
    for place in first..<first + Self.ways {
      let candidate = unsafe places[place]
      if candidate.isOccupied, candidate.key == key { return place }
      let seenAt = candidate.isLive(at: now) ? candidate.seenAt : Instant(nanoseconds: 0)
      if seenAt < bestSeenAt {
        best = place
        bestSeenAt = seenAt
      }
    }
    return best
  }

  @_noLocks @inline(__always)
  private func firstPlace(of key: RouteKey) -> Int {
    (Int(truncatingIfNeeded: hash(key)) & groupMask) * Self.ways
  }
}
