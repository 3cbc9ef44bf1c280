package import Json

/// What signalling asks of the process that owns the sessions. Called on the web server's
/// thread; the answers may be a moment old.
package protocol CallDirectory {
  /// The shard that shall own the next call; nil when this node takes no more calls.
  func shardForNewCall() -> UInt8?
  /// Whether the call lives. False for one that ended or never was.
  func isAlive(_ call: CallReference) -> Bool
  /// The call's live figures, as they are answered; nil when it does not live.
  func figures(of call: CallReference) -> JsonObject?
  /// How many calls live that `caller` began.
  func callCount(of caller: Caller) -> Int
}
