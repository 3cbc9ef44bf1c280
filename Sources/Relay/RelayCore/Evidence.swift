package import Wire

/// What the last datagram that was refused for it said, for whoever has to find out which program
/// was told something else. Only of tokens and trunk datagrams that hold: nobody else can put a
/// word in. Nil: there was none. The worker's thread writes it; others get copies.
package struct Evidence: Sendable, BitwiseCopyable, Equatable {
  /// The transceiver that a token names and that is not in the directory.
  package var unknownTransceiver: TransceiverID?
  /// The cluster that a token names and that is not ours.
  package var otherCluster: UInt16?
  /// The age of a token that is too old (or, below 0, from the future) to open a flow, in minutes.
  package var tokenAgeMinutes: Int64?
  /// The transceiver that speaks on the trunk and is not in the directory.
  package var unknownSpeaker: TransceiverID?
  /// Whom a trunk datagram that is not for us was meant for.
  package var otherRelay: RelayName?

  /// A relay of a cluster, as the trunk's header names it.
  package struct RelayName: Sendable, BitwiseCopyable, Equatable {
    /// The cluster's number.
    package var cluster: UInt16
    /// The relay's number in it.
    package var relayID: UInt16

    /// What `TrunkHeader.cluster` and `TrunkHeader.ingress` say.
    @_noLocks
    package init(cluster: UInt16, relayID: UInt16) {
      self.cluster = cluster
      self.relayID = relayID
    }
  }

  /// Nothing yet.
  package init() {}

  /// Takes over what another worker's has and this one has not.
  package mutating func add(_ other: Evidence) {
    unknownTransceiver = unknownTransceiver ?? other.unknownTransceiver
    otherCluster = otherCluster ?? other.otherCluster
    tokenAgeMinutes = tokenAgeMinutes ?? other.tokenAgeMinutes
    unknownSpeaker = unknownSpeaker ?? other.unknownSpeaker
    otherRelay = otherRelay ?? other.otherRelay
  }
}
