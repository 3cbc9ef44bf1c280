/// What can become of a datagram at a relay, and what else is counted.
///
/// The cases of one `group` are alternatives: each client datagram, each trunk datagram and each
/// frame ends in exactly one of them, and their sum is the group's total.
package enum RelayCounter: Int, CaseIterable, Sendable {
  // Client datagrams, group `client`.
  /// A STUN request went to the transceiver that its token names.
  case clientForwardedByToken = 0
  /// Went to the owner of its flow.
  case clientForwardedByRoute
  /// Went to the owner and to the challenger of its flow.
  case clientForwardedToBoth
  /// Neither STUN nor DTLS nor RTP, or empty.
  case clientUnrecognised
  /// Longer than the receive buffer.
  case clientTruncated
  /// Does not fit into one trunk datagram.
  case clientTooLong
  /// From port 0, or from an address that no host has: unspecified, multicast, broadcast.
  case clientUnusableSource
  /// Belongs to no flow that this worker knows.
  case clientWithoutRoute
  /// Begins like STUN but is not.
  case clientStunMalformed
  /// A STUN request whose USERNAME does not begin with a routing token.
  case clientTokenMalformed
  /// The token's key is not ours, or not any more.
  case clientTokenUnknownKey
  /// The token was not made with our key.
  case clientTokenForged
  /// The token is older than the longest session, and no route stands for it.
  case clientTokenExpired
  /// The token is good but names another cluster.
  case clientOtherCluster
  /// The token is good but names a transceiver that is not in the directory.
  case clientUnknownTransceiver
  /// MESSAGE-INTEGRITY is missing or wrong on a check that would have opened a flow.
  case clientIntegrityFailed

  // Trunk datagrams, group `trunk`.
  /// Its frames were read.
  case trunkAccepted
  /// Longer than the receive buffer.
  case trunkTruncated
  /// Not a trunk datagram of our version.
  case trunkMalformed
  /// Its tag does not hold.
  case trunkForged
  /// Of a kind that no transceiver sends to a relay.
  case trunkUnexpectedKind
  /// Meant for another cluster or another relay.
  case trunkMisdirected
  /// From a transceiver that is not in the directory.
  case trunkUnknownTransceiver
  /// Without a key only: not from the address that the directory has for the transceiver.
  case trunkWrongSource

  // Frames of accepted trunk datagrams, group `frame`.
  /// Its packet went to the client.
  case frameDelivered
  /// Carried no packet: only the end of a session, or nothing.
  case frameNotice
  /// Names a listener that we do not have, a client of the other address family, or one without
  /// port or with an address that no host has.
  case frameMisaddressed
  /// What is left of a trunk datagram behind the last whole frame.
  case frameMalformed

  // What happened besides; no group.
  /// A good check opened a flow that waits for its transceiver's answer.
  case candidateOpened
  /// Such a flow gave way to another one.
  case candidateEvicted
  /// A transceiver answered: the flow became a route.
  case routeAssured
  /// A transceiver's frame opened a route that we did not know (after a restart).
  case routeLearned
  /// A route passed to another transceiver.
  case routeChangedOwner
  /// A third transceiver's frame left a challenged route alone.
  case routeChallengeIgnored
  /// A route ended because its transceiver said so.
  case routeEnded
  /// A route ended because its transceiver fell silent.
  case routeExpired
  /// A route could not be kept: the table is full.
  case routeTableFull
  /// Trunk datagrams sent.
  case bundlesSent
  /// Frames in them.
  case framesSent
  /// Bytes of client datagrams that went up.
  case bytesUp
  /// Bytes of client datagrams that went down.
  case bytesDown
}

/// Which datagrams (or frames) a counter shares out.
package enum RelayCounterGroup: String, CaseIterable, Sendable {
  case client, trunk, frame, event
}

extension RelayCounter {
  package var group: RelayCounterGroup {
    switch rawValue {
    case ...Self.clientIntegrityFailed.rawValue: .client
    case ...Self.trunkWrongSource.rawValue: .trunk
    case ...Self.frameMalformed.rawValue: .frame
    default: .event
    }
  }

  /// The name in logs and JSON: words parted by underscores. Allocates.
  package var name: String {
    var name = ""
    for character in String(describing: self) {
      if character.isUppercase { name += "_" }
      name += character.lowercased()
    }
    return name
  }
}

/// The counters of one worker, a plain value: 64 bits each, written by the worker's thread alone.
package struct RelayCounters: Sendable {
  private var values = InlineArray<48, UInt64>(repeating: 0)

  package init() {
    precondition(RelayCounter.allCases.count <= 48)
  }

  /// The value of one counter.
  @_noLocks
  package subscript(counter: RelayCounter) -> UInt64 { values[counter.rawValue] }

  /// Counts one. Allocates nothing.
  @_noLocks @inline(__always)
  mutating func count(_ counter: RelayCounter) {
    values[counter.rawValue] &+= 1
  }

  /// Counts `amount`.
  @_noLocks @inline(__always)
  mutating func count(_ counter: RelayCounter, _ amount: Int) {
    values[counter.rawValue] &+= UInt64(truncatingIfNeeded: amount)
  }

  /// The sum of a group's counters: how many datagrams or frames there were.
  package func total(of group: RelayCounterGroup) -> UInt64 {
    RelayCounter.allCases.reduce(0) { $1.group == group ? $0 &+ self[$1] : $0 }
  }

  /// Adds another worker's counters.
  package mutating func add(_ other: RelayCounters) {
    for counter in RelayCounter.allCases { values[counter.rawValue] &+= other[counter] }
  }
}
