package import Backends
package import Voice
package import Wire

/// A session's life in numbers: for logs, for who asks over HTTP, and for tests.
package struct SessionFigures: Sendable {
  /// Client datagrams that each ended in one of these, since the session began.
  package var stunAccepted: UInt64 = 0
  /// STUN that was not ours, not signed, or malformed.
  package var stunIgnored: UInt64 = 0
  package var dtlsAccepted: UInt64 = 0
  /// DTLS from a path that no signed check has validated.
  package var dtlsFromUnknownPath: UInt64 = 0
  /// Of what came as DTLS: protected records whose tag does not hold, which somebody else has sent
  /// or the network has damaged. Their datagrams count as accepted; those of the next two as well.
  package var dtlsForged: UInt64 = 0
  /// Protected records that had been there before, or came too late to know.
  package var dtlsReplayed: UInt64 = 0
  /// How often a handshake that something forged had killed was put back.
  package var dtlsRestarts: UInt64 = 0
  /// 1 when OpenSSL has given up on the finished association: its channels are lost.
  package var dtlsAssociationsLost: UInt64 = 0
  package var rtpAccepted: UInt64 = 0
  package var rtcpAccepted: UInt64 = 0
  /// Media before the keys, or from a path that is not validated.
  package var mediaUnexpected: UInt64 = 0
  /// SRTP that failed its authentication, its replay check or its header.
  package var mediaRefused: UInt64 = 0
  /// Copies of packets that had been asked for again and came after all.
  package var rtpRepeated: UInt64 = 0
  /// Datagrams of no kind that a client sends.
  package var unknownKind: UInt64 = 0
  /// DTLS application data in a call without data channels. Its datagram counts as accepted.
  package var channelDataUnexpected: UInt64 = 0

  /// Packets sent, and bytes of their payload.
  package var rtpSent: UInt64 = 0
  package var rtpResent: UInt64 = 0
  /// Nothing could be sent because a slot or a key was missing.
  package var sendFailed: UInt64 = 0

  /// Of what the client sent: packets that never came.
  package var packetsLost: Int64 = 0
  /// Of the lost: packets that a later one brought along (RED), or told about (in-band FEC); those
  /// that were asked for again (NACK), and of them those that came; and pieces of sound, of a frame
  /// or less, that were made up.
  package var packetsRestored: UInt64 = 0
  package var packetsRecovered: UInt64 = 0
  package var packetsAskedFor: UInt64 = 0
  package var packetsResent: UInt64 = 0
  package var piecesConcealed: UInt64 = 0
  /// Packets of redundant audio, and of RTCP, that make no sense.
  package var redMalformed: UInt64 = 0
  package var rtcpMalformed: UInt64 = 0
  /// Silence that was given to a service while the client's sound was late, and is still to be
  /// taken back from its pauses, in milliseconds; and quiet frames that were left out so far, for
  /// that or to shorten the delay.
  package var debtMilliseconds: UInt64 = 0
  package var quietFramesDropped: UInt64 = 0
  /// RFC 3550 interarrival jitter of the client's audio, in milliseconds.
  package var jitterMilliseconds: Double = 0
  /// The last round trip that RTCP measured, in milliseconds; nil before the first.
  package var roundTripMilliseconds: Double?
  /// What the client says of our audio: packets lost.
  package var reportedLost: Int64 = 0
  /// How long the client's audio waits in the jitter buffer at the moment, 0 while none flows; the
  /// longest that it has waited; and how long the buffer means it to. In milliseconds.
  package var bufferedMilliseconds: UInt64 = 0
  package var bufferedMillisecondsMax: UInt64 = 0
  package var bufferTargetMilliseconds: UInt64 = 0
  /// Speech of the answering side that waits to be played, and the most that has waited, in
  /// milliseconds.
  package var pacerMilliseconds: UInt64 = 0
  package var pacerMillisecondsMax: UInt64 = 0
  /// How our voice is sent; nil before it is, and where the client hears none.
  package var encoding: EncodingFigures?
  package var latency = LatencyFigures()
  package var party = PartyFigures()
  /// Nil in a call without data channels, and before they begin.
  package var channels: ChannelFigures?

  /// What was seen of a client that is not connected yet, or never was; nil once it is.
  package var setUp: SetUpProgress?

  /// The path that media takes; nil before there is one.
  package var path: PathID?

  package init() {}

  /// Client datagrams of every kind: the sum of the counters that end one.
  package var datagrams: UInt64 {
    stunAccepted &+ stunIgnored &+ dtlsAccepted &+ dtlsFromUnknownPath &+ rtpAccepted
      &+ rtcpAccepted &+ mediaUnexpected &+ mediaRefused &+ rtpRepeated &+ unknownKind
  }
}

/// How our voice is sent at the moment, and how that came about.
package struct EncodingFigures: Hashable, Sendable {
  /// How the last packet was made.
  package var plan: EncodingPlan
  /// Lost of the last ten seconds as the client tells, or of the whole where that is all it tells.
  package var lossPercent: Double
  /// Changes between Opus's coders.
  package var coderChanges: UInt64
  /// How often the path was found too narrow.
  package var narrowings: UInt64
}
