/// What can become of a datagram at a relay, and what else is counted.
///
/// A case is all that a counter needs, beside the line that counts it. The first word of its name
/// says its group: the cases of `client`, `trunk` and `frame` are alternatives, so each client
/// datagram, each trunk datagram and each frame ends in exactly one of them, and their sum is the
/// group's total (`CountingLawTests`). Any other first word is of the group `event`.
package enum RelayCounter: UInt8, CaseIterable, Sendable {
  // Client datagrams.
  /// A STUN request went to the transceiver that its token names.
  case clientForwardedByToken
  /// Went to the owner of its flow, or to the challenger alone while the owner is away.
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
  /// Belongs to no flow that this worker knows, or to one whose transceivers are away.
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

  // Trunk datagrams.
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

  // Frames of accepted trunk datagrams.
  /// Its packet went to the client.
  case frameDelivered
  /// Carried no packet: only the end of a session, or nothing.
  case frameNotice
  /// Names a listener that we do not have, a client of the other address family, or one without
  /// port or with an address that no host has.
  case frameMisaddressed
  /// What is left of a trunk datagram behind the last whole frame.
  case frameMalformed

  // What happened besides.
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

/// What a counter shares out.
package enum RelayCounterGroup: String, CaseIterable, Sendable {
  /// What clients sent to a listener.
  case client
  /// What came to the trunk socket.
  case trunk
  /// The frames of the trunk datagrams that were accepted.
  case frame
  /// Nothing: what happened besides, any number of them a datagram.
  case event
}

extension RelayCounter {
  /// The words of the case's name, in small letters. Allocates.
  private var words: [String] {
    String(describing: self).reduce(into: [""]) { words, character in
      if character.isUppercase { words.append("") }
      words[words.count - 1] += character.lowercased()
    }
  }

  /// By raw value: read once, for reports ask each second.
  private static let groups = allCases.map { RelayCounterGroup(rawValue: $0.words[0]) ?? .event }

  /// The group that the first word names.
  package var group: RelayCounterGroup { Self.groups[Int(rawValue)] }

  /// The name in logs and JSON: words parted by underscores. Allocates.
  package var name: String { words.joined(separator: "_") }
}

/// The counters of one worker, a plain value: 64 bits each, written by the worker's thread alone.
package struct RelayCounters: Sendable {
  /// A cell for each raw value that a case can have: no case is ever without one, and an index
  /// needs no check. (The size of an inline array has to be a literal.)
  private var values = InlineArray<256, UInt64>(repeating: 0)

  /// All zero.
  package init() {}

  /// The value of one counter.
  @_noLocks
  package subscript(counter: RelayCounter) -> UInt64 { values[Int(counter.rawValue)] }

  /// Counts one. Allocates nothing.
  @_noLocks @inline(__always)
  mutating func count(_ counter: RelayCounter) {
    values[Int(counter.rawValue)] &+= 1
  }

  /// Counts `amount`, 0 or more.
  @_noLocks @inline(__always)
  mutating func count(_ counter: RelayCounter, _ amount: Int) {
    values[Int(counter.rawValue)] &+= UInt64(truncatingIfNeeded: amount)
  }

  /// The sum of a group's counters: how many datagrams or frames there were.
  package func total(of group: RelayCounterGroup) -> UInt64 {
    RelayCounter.allCases.reduce(0) { $1.group == group ? $0 &+ self[$1] : $0 }
  }

  /// Adds another worker's counters.
  package mutating func add(_ other: RelayCounters) {
    for index in values.indices { values[index] &+= other.values[index] }
  }
}
