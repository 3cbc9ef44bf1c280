import Wire

/// When something happened, in units of 2^20 ns (about a millisecond) modulo 2^32 (52 days): half
/// the bytes of an `Instant`. A route is looked at long before its times are ambiguous.
struct RouteTime: BitwiseCopyable {
  private let ticks: UInt32

  @_noLocks
  init(_ instant: Instant) { ticks = UInt32(truncatingIfNeeded: instant.nanoseconds >> 20) }

  /// How long ago that was, to a unit.
  @_noLocks
  func nanoseconds(until now: Instant) -> UInt64 {
    UInt64(RouteTime(now).ticks &- ticks) << 20
  }
}

/// An assured flow: a client's address that a transceiver has answered. 32 bytes: two slots are one
/// cache line.
///
/// The owner gets what the client sends. A challenger is another transceiver that also answers this
/// client (the client began a new call from its old port, or somebody forges its address): as long
/// as both are alive both get the packets, and only a frame that says "this client proved its
/// return path" decides between them.
struct Route: BitwiseCopyable {
  var key: RouteKey
  /// The bits of `isOccupied` and `hasChallenger`: one byte keeps a route at 32.
  private var state: UInt8
  /// The owner's place in the directory.
  var owner: UInt16
  /// The challenger's place in the directory, meaningful while `hasChallenger`.
  var challenger: UInt16
  /// When the owner last sent this client something. Only frames with a valid tag move it, so
  /// nobody outside keeps a dead route alive.
  var ownerSpokeAt: RouteTime
  /// The same for the challenger.
  var challengerSpokeAt: RouteTime

  @_noLocks
  init(key: RouteKey, owner: UInt16, at now: Instant) {
    self.key = key
    state = 1
    self.owner = owner
    challenger = 0
    ownerSpokeAt = RouteTime(now)
    challengerSpokeAt = RouteTime(now)
  }

  /// False for an empty slot; the rest then means nothing.
  var isOccupied: Bool {
    @_noLocks get { state & 1 != 0 }
    @_noLocks set { state = newValue ? state | 1 : state & ~1 }
  }

  var hasChallenger: Bool {
    @_noLocks get { state & 2 != 0 }
    @_noLocks set { state = newValue ? state | 2 : state & ~2 }
  }

  /// A slot without a route.
  static var empty: Route {
    let nowhere = TransportAddress(high: 0, low: 0, port: 0)
    var route = Route(
      key: RouteKey(listener: 0, client: nowhere), owner: 0, at: Instant(nanoseconds: 0))
    route.isOccupied = false
    return route
  }

  /// Whether the transceiver at `place` is the owner or the challenger.
  @_noLocks
  func isServed(by place: UInt16) -> Bool {
    owner == place || (hasChallenger && challenger == place)
  }

  /// Whether packets of this client go to the challenger as well.
  @_noLocks
  func isChallenged(at now: Instant) -> Bool {
    hasChallenger
      && challengerSpokeAt.nanoseconds(until: now) < RelayLimits.challengeNanoseconds
  }
}

/// What a frame from a transceiver did to the route of its client.
enum RouteChange: BitwiseCopyable {
  /// The owner spoke.
  case refreshed
  /// Another transceiver has become, or stays, challenger.
  case challenged
  /// The challenger has become the owner.
  case changedOwner
  /// A third transceiver spoke while two are alive and has proved nothing.
  case ignored
}

extension Route {
  /// Takes note of a frame that `speaker` sent to this client; `proven` is the frame's flag.
  @_noLocks
  mutating func note(speaker: UInt16, proven: Bool, at now: Instant) -> RouteChange {
    if speaker == owner {
      ownerSpokeAt = RouteTime(now)
      return .refreshed
    }
    let silence = ownerSpokeAt.nanoseconds(until: now)
    if proven || silence >= RelayLimits.ownerSilenceNanoseconds {
      changeOwner(to: speaker, at: now)
      return .changedOwner
    }
    if isChallenged(at: now), speaker != challenger { return .ignored }
    challenger = speaker
    hasChallenger = true
    challengerSpokeAt = RouteTime(now)
    return .challenged
  }

  /// The former owner stays challenger: a client that uses one port for two calls is served in
  /// both.
  @_noLocks
  private mutating func changeOwner(to speaker: UInt16, at now: Instant) {
    challenger = owner
    challengerSpokeAt = ownerSpokeAt
    hasChallenger = true
    owner = speaker
    ownerSpokeAt = RouteTime(now)
  }

  /// `speaker` has ended its session with this client. Returns whether the route has ended too; a
  /// live challenger inherits it.
  @_noLocks
  mutating func end(speaker: UInt16, at now: Instant) -> Bool {
    if speaker != owner {
      if hasChallenger && speaker == challenger { hasChallenger = false }
      return false
    }
    guard isChallenged(at: now) else { return true }
    owner = challenger
    ownerSpokeAt = challengerSpokeAt
    hasChallenger = false
    return false
  }
}
