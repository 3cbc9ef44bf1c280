package import Json

/// What signalling asks of the process that owns the sessions. Called on the web server's
/// thread; the answers may be a moment old.
package protocol CallDirectory {
  /// Where the next call goes.
  func shardForNewCall() -> ShardChoice
  /// Whether the call lives. False for one that ended or never was.
  func isAlive(_ call: CallReference) -> Bool
  /// The call's live figures, as they are answered; nil when it does not live.
  func figures(of call: CallReference) -> JsonObject?
  /// How many calls live that `caller` began.
  func callCount(of caller: Caller) -> Int
}

/// Where a new call goes, or why nowhere.
package enum ShardChoice: Hashable, Sendable {
  case shard(UInt8)
  /// This node has as many calls as it was told to take.
  case full
  /// Every shard has more to do than it can, with fewer calls than that.
  case overloaded
}
