import Wire

/// An assured flow: a client's address that a transceiver has answered. One cache line.
///
/// The owner gets what the client sends. A challenger is another transceiver that also answers this
/// client (the client began a new call from its old port, or somebody forges its address): as long
/// as both are alive both get the packets, and only a frame that says "this client proved its
/// return path" decides between them.
struct Route: BitwiseCopyable {
  var key: RouteKey
  /// False for an empty slot; the rest then means nothing.
  var isOccupied: Bool
  /// The owner's place in the directory.
  var owner: UInt16
  /// The challenger's place in the directory, meaningful while `hasChallenger`.
  var challenger: UInt16
  var hasChallenger: Bool
  /// When the owner last sent this client something. Only frames with a valid tag move it, so
  /// nobody outside keeps a dead route alive.
  var ownerSpokeAt: Instant
  /// The same for the challenger.
  var challengerSpokeAt: Instant
  /// Fills the cache line, so that no route lies on two.
  private var unused: (UInt64, UInt64) = (0, 0)

  @_noLocks
  init(key: RouteKey, owner: UInt16, at now: Instant) {
    self.key = key
    isOccupied = true
    self.owner = owner
    challenger = 0
    hasChallenger = false
    ownerSpokeAt = now
    challengerSpokeAt = now
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
      && now.nanoseconds(since: challengerSpokeAt) < RelayLimits.challengeNanoseconds
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
      ownerSpokeAt = now
      return .refreshed
    }
    let silence = now.nanoseconds(since: ownerSpokeAt)
    if proven || silence >= RelayLimits.ownerSilenceNanoseconds {
      changeOwner(to: speaker, at: now)
      return .changedOwner
    }
    if isChallenged(at: now), speaker != challenger { return .ignored }
    challenger = speaker
    hasChallenger = true
    challengerSpokeAt = now
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
    ownerSpokeAt = now
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
