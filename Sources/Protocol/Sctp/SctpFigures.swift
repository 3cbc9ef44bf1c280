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

/// Packets by what became of them, as `SctpVerdict` explains: every one ends in exactly one of
/// these. They wrap.
package struct SctpPacketCounters: Equatable, Sendable {
  /// Looked at, chunk by chunk.
  package var accepted: UInt64 = 0
  /// Lengths or an order of chunks that cannot be.
  package var malformed: UInt64 = 0
  /// CRC-32C does not hold (RFC 9260, section 6.8).
  package var wrongChecksum: UInt64 = 0
  /// Not between the two agreed ports.
  package var wrongPorts: UInt64 = 0
  /// Not under this association's verification tag (RFC 9260, section 8.5).
  package var wrongTag: UInt64 = 0
  /// Before there was an association, and beginning none (RFC 9260, section 8.4).
  package var outOfTheBlue: UInt64 = 0
  /// After its end.
  package var ended: UInt64 = 0

  /// All at zero.
  package init() {}

  /// All packets that came.
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
  /// Packets that came.
  package var packets = SctpPacketCounters()
  /// Packets that `nextPacket` gave.
  package var packetsSent: UInt64 = 0
  /// Whole messages for a channel.
  package var messagesReceived: UInt64 = 0
  /// Messages that `send` took; whether they arrive is another question.
  package var messagesSent: UInt64 = 0
  /// What the received ones hold, without any header; of the deprecated partial form (RFC 8831,
  /// section 6.6) each part as it comes.
  package var messageBytesReceived: UInt64 = 0
  /// What the sent ones hold, without any header.
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
  /// Of a type that is not known here (RFC 9260, section 3.2).
  package var chunksUnknown: UInt64 = 0
  /// DATA that was there before.
  package var dataDuplicate: UInt64 = 0
  /// Too far ahead of what is missing, or the receive buffer is full.
  package var dataWithoutRoom: UInt64 = 0
  /// Fragments without a beginning, or beginnings without an end.
  package var dataStray: UInt64 = 0
  /// Messages on streams without a channel, or of no known payload protocol.
  package var messagesUnclaimed: UInt64 = 0
  /// Acknowledgements of what was never sent.
  package var sacksImpossible: UInt64 = 0
  /// Cookies that this end did not write (RFC 9260, section 5.1.5).
  package var cookiesForged: UInt64 = 0
  /// Cookies older than `cookieLifeMilliseconds`.
  package var cookiesStale: UInt64 = 0
  /// Channels that the peer wanted to open and may not.
  package var channelsRefused: UInt64 = 0
  /// Channels that began without DCEP (RFC 8831, section 6.5).
  package var channelsNegotiated: UInt64 = 0

  /// Bytes that wait for the peer, with 64 for each message.
  package var sendBufferBytes = 0
  /// Bytes that wait on this side, with what each event costs.
  package var receiveBufferBytes = 0
  /// Channels open, opening or closing.
  package var channels = 0
  /// What may be on its way to the peer at a time (RFC 9260, section 7.2).
  package var congestionWindowBytes = 0
  /// SRTT of RFC 9260, section 6.3.1; 0 before the first was measured.
  package var smoothedRoundTripMicroseconds: UInt64 = 0
}
