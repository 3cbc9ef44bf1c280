/// Names for calls: who can make them holds the keys. Given to `Signalling` so that it can be
/// tested without any.
package protocol CallMint: Sendable {
  /// Names for a new call of that shard.
  mutating func mint(
    shard: UInt8, minutes: UInt32, random: inout some RandomNumberGenerator
  ) -> CallNames
  /// What a call ID (`rtc_...`) of this node means; nil when it is not one.
  func open(callID: String, minutes: UInt32) -> CallReference?
}

/// The three names of a call.
package struct CallNames: Equatable, Sendable {
  /// `rtc_...`, unguessable: who knows it may end the call.
  package var callID: String
  /// The routing token.
  package var ufrag: String
  /// The ICE password that belongs to it.
  package var pwd: String

  package init(callID: String, ufrag: String, pwd: String) {
    self.callID = callID
    self.ufrag = ufrag
    self.pwd = pwd
  }
}
