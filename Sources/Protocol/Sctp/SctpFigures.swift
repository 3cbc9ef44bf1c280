/// What became of one packet.
package enum SctpVerdict: Hashable, Sendable {
  /// Its chunks were looked at; what each of them was worth stands in `SctpFigures`.
  case accepted
  /// Too short, or lengths that do not add up, or a chunk that must be alone and is not. Nothing
  /// in it had an effect.
  case malformed
  /// CRC-32C does not hold.
  case wrongChecksum
  /// Not between the two agreed ports.
  case wrongPorts
  /// The verification tag is not this association's (RFC 9260, section 8.5).
  case wrongTag
  /// There is no association yet and the packet does not begin one; silently dropped.
  case outOfTheBlue
  /// The association is over.
  case ended
}

/// Every packet ends in exactly one of these.
package struct SctpPacketCounters: Equatable, Sendable {
  package var accepted: UInt64 = 0
  package var malformed: UInt64 = 0
  package var wrongChecksum: UInt64 = 0
  package var wrongPorts: UInt64 = 0
  package var wrongTag: UInt64 = 0
  package var outOfTheBlue: UInt64 = 0
  package var ended: UInt64 = 0

  /// All at zero.
  package init() {}

  package var total: UInt64 {
    accepted &+ malformed &+ wrongChecksum &+ wrongPorts &+ wrongTag &+ outOfTheBlue &+ ended
  }

  mutating func count(_ verdict: SctpVerdict) {
    switch verdict {
    case .accepted: accepted &+= 1
    case .malformed: malformed &+= 1
    case .wrongChecksum: wrongChecksum &+= 1
    case .wrongPorts: wrongPorts &+= 1
    case .wrongTag: wrongTag &+= 1
    case .outOfTheBlue: outOfTheBlue &+= 1
    case .ended: ended &+= 1
    }
  }
}

/// What an association has seen and holds.
package struct SctpFigures: Equatable, Sendable {
  package var packets = SctpPacketCounters()
  package var packetsSent: UInt64 = 0
  package var messagesReceived: UInt64 = 0
  package var messagesSent: UInt64 = 0
  /// What those messages hold, without any header: bytes.
  package var messageBytesReceived: UInt64 = 0
  package var messageBytesSent: UInt64 = 0
  /// DATA chunks sent again.
  package var retransmissions: UInt64 = 0
  /// Messages given up because their channel allows it.
  package var messagesAbandoned: UInt64 = 0
  /// Refusals of `send` and `open` for want of room.
  package var refusals: UInt64 = 0

  /// Looks at all that waits above a gap for messages that are whole: a few for each packet.
  package var looksBeyondGaps: UInt64 = 0
  /// Looks at chunks that were sent, for one to send again: no more than were sent or found lost.
  package var looksForLosses: UInt64 = 0

  // Chunks of accepted packets that had no effect.
  /// Too short for what they are, or fields that cannot be.
  package var chunksMalformed: UInt64 = 0
  /// Not for the state of the association.
  package var chunksOutOfPlace: UInt64 = 0
  package var chunksUnknown: UInt64 = 0
  package var dataDuplicate: UInt64 = 0
  /// Too far ahead of what is missing, or the receive buffer is full.
  package var dataWithoutRoom: UInt64 = 0
  /// Fragments without a beginning, or beginnings without an end.
  package var dataStray: UInt64 = 0
  /// Messages on streams without a channel, or of no known payload protocol.
  package var messagesUnclaimed: UInt64 = 0
  /// Acknowledgements of what was never sent.
  package var sacksImpossible: UInt64 = 0
  package var cookiesForged: UInt64 = 0
  package var cookiesStale: UInt64 = 0
  package var channelsRefused: UInt64 = 0
  /// Channels that began without DCEP (RFC 8831, section 6.5).
  package var channelsNegotiated: UInt64 = 0

  /// Bytes that wait for the peer, with 64 for each message.
  package var sendBufferBytes = 0
  /// Bytes that wait on this side, with what each event costs.
  package var receiveBufferBytes = 0
  package var channels = 0
  package var congestionWindowBytes = 0
  /// 0 before the first was measured.
  package var smoothedRoundTripMicroseconds: UInt64 = 0
}
