/// Which stream IDs an end takes for the channels that it opens (RFC 8832, section 6).
package enum SctpStreamParity: UInt16, Sendable {
  /// The DTLS client's.
  case even = 0
  /// The DTLS server's.
  case odd = 1
}

/// What one association is set up with. All numbers are bounds or times of this end.
package struct SctpParameters: Sendable {
  /// The IDs of the channels that this end opens.
  package var streamParity: SctpStreamParity
  /// `a=sctp-port` of this end; the port in the packets (RFC 8841, section 5).
  package var port: UInt16 = 5000
  /// `a=sctp-port` of the peer.
  package var peerPort: UInt16 = 5000
  /// The longest packet that this end makes: with DTLS around it (37 bytes with GCM) a datagram of
  /// 1,197 bytes. A multiple of 4, from 512 to 9,000.
  package var packetBytesMax = 1_160
  /// The longest message taken from the peer: `a=max-message-size` of this end (RFC 8841, section
  /// 6). A longer one ends the association.
  package var messageBytesMax = 262_144
  /// `a=max-message-size` of the peer: 65,536 when it states none, 0 when it has no limit.
  package var peerMessageBytesMax = 65_536
  /// What may wait on this end: out of order, in parts, or not yet taken by `nextEvent`. More than
  /// `messageBytesMax`. The window that the peer sees is what of it is free.
  package var receiveBufferBytesMax = 524_288
  /// What may wait to be sent or acknowledged, and the longest message to a peer without limit.
  package var sendBufferBytesMax = 524_288
  /// Channels open, opening or closing at a time; 1 or more.
  package var channelCountMax = 64
  /// Streams whose refusal waits to be sent, and that are remembered as refused: as many as
  /// browsers use.
  package var refusalCountMax = 1_024
  /// The first timeout of a retransmission (RFC 9260 says 1 s); who knows the path's round trip
  /// from ICE or DTLS sets twice that, within the two below.
  package var rtoInitialMilliseconds: UInt64 = 400
  /// RTO.Min, 1 or more. Peers may hold a SACK back for 200 ms, unless asked not to (RFC 7053),
  /// which this end does for the last packet of what it has to say.
  package var rtoMinMilliseconds: UInt64 = 200
  /// RTO.Max. ICE ends a call after 30 s of silence, so the RFC's 60 s would say nothing.
  package var rtoMaxMilliseconds: UInt64 = 10_000
  /// How long a SACK may wait for a second packet or for data to travel with; at most 500 (RFC
  /// 9260, section 6.2).
  package var sackDelayMilliseconds: UInt64 = 40
  /// Silence before a HEARTBEAT, 1 or more.
  package var heartbeatMilliseconds: UInt64 = 30_000
  /// Association.Max.Retrans and Max.Init.Retransmits: unanswered tries before the peer is lost; 1
  /// or more.
  package var retransmissionCountMax = 10
  /// Valid.Cookie.Life.
  package var cookieLifeMilliseconds: UInt64 = 60_000

  /// The stated values, for the end that is DTLS client (`even`) or DTLS server (`odd`).
  package init(streamParity: SctpStreamParity) { self.streamParity = streamParity }

  /// Stops the program over a value outside its range. What the peer's SDP states (`peerPort`,
  /// `peerMessageBytesMax`) may have any value that its reader lets through.
  func checkRanges() {
    precondition(packetBytesMax & 3 == 0, "chunks are padded to a multiple of 4")
    precondition((512...9_000).contains(packetBytesMax), "a packet's size")
    precondition(messageBytesMax > 0, "no message is short enough")
    precondition(receiveBufferBytesMax > messageBytesMax, "no room for a whole message")
    precondition(receiveBufferBytesMax <= Int(UInt32.max), "a window has 32 bits")
    precondition(sendBufferBytesMax > OutgoingMessage.overheadBytes, "no room for a message")
    precondition(peerMessageBytesMax >= 0, "a limit below nothing")
    precondition(channelCountMax > 0 && refusalCountMax > 0, "no room for a channel")
    precondition(rtoMinMilliseconds > 0, "a timer that never rests")
    precondition(
      (rtoMinMilliseconds...rtoMaxMilliseconds).contains(rtoInitialMilliseconds), "RTO bounds")
    precondition(sackDelayMilliseconds <= 500, "RFC 9260, section 6.2")
    precondition(heartbeatMilliseconds > 0, "heartbeats without a pause")
    precondition(retransmissionCountMax > 0, "a peer that is lost before it was asked")
  }
}
