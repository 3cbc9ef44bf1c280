package import Backends
package import Signalling
package import Token

/// One connection of a call to its AI service. A shard never uses a name twice.
package struct ServiceID: Hashable, Sendable {
  /// The call's place in its shard.
  let slot: UInt32
  let number: UInt32
}

/// What other threads may ask of a shard. Rare things: packets do not come this way.
package enum ShardCommand: Sendable {
  /// Signalling has answered an offer: the client's first check may come at any time.
  case begin(CallPlan, CallSeeds)
  case hangUp(CallID)
  /// What a connection tells that `ShardEffect.openService` asked for.
  case service(ServiceID, ServiceNews)
  /// A connection beside a call was accepted; the number is its own in this process for good.
  case clientJoined(CallID, client: UInt32)
  /// It has sent an event.
  case clientEvent(CallID, client: UInt32, [UInt8])
  /// It is gone.
  case clientLeft(CallID, client: UInt32)
}
