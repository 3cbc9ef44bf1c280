/// How hard a channel tries (RFC 8831, section 6.6; RFC 3758).
package enum SctpReliability: Hashable, Sendable {
  /// Every message arrives, or the association ends.
  case reliable
  /// A message is given up after so many retransmissions.
  case retransmissions(UInt32)
  /// A message is given up so many milliseconds after `send`.
  case lifetimeMilliseconds(UInt32)
}

/// A data channel as DCEP describes it (RFC 8832).
package struct SctpChannel: Hashable, Sendable {
  /// The stream ID, the same in both directions. Free for another channel after `channelClosed`.
  package var stream: UInt16
  /// UTF-8 as it came, at most 1,024 bytes; not necessarily valid.
  package var label: [UInt8]
  /// The sub-protocol, likewise.
  package var subprotocol: [UInt8]
  /// Messages arrive in the order in which they were sent.
  package var isOrdered: Bool
  /// How hard the sender tries.
  package var reliability: SctpReliability
  /// The peer sent DATA_CHANNEL_OPEN for it.
  package var isOpenedByPeer: Bool
  /// Agreed on without DCEP, so nobody has said what it is called and how it is set (RFC 8831,
  /// section 6.5).
  package var isNegotiated = false

  /// A channel that DCEP has described; `isNegotiated` is false.
  package init(
    stream: UInt16, label: [UInt8], subprotocol: [UInt8], isOrdered: Bool,
    reliability: SctpReliability, isOpenedByPeer: Bool
  ) {
    self.stream = stream
    self.label = label
    self.subprotocol = subprotocol
    self.isOrdered = isOrdered
    self.reliability = reliability
    self.isOpenedByPeer = isOpenedByPeer
  }
}

/// What a message is, by its payload protocol identifier (RFC 8831, section 8).
package enum SctpMessageKind: Hashable, Sendable {
  /// UTF-8, which nobody has checked.
  case text
  /// Any bytes.
  case binary
}

/// Why an association is over.
package enum SctpLoss: Hashable, Sendable {
  /// Nobody answered INIT or COOKIE ECHO.
  case handshakeTimedOut
  /// Too many retransmissions or heartbeats in a row stayed without an answer.
  case peerUnreachable
  /// ABORT came; with its first error cause (RFC 9260, section 3.3.10), 0 without one.
  case abortedByPeer(cause: UInt16)
  /// `abort` was called here.
  case aborted
  /// SHUTDOWN, by either end, to its end.
  case shutDown
  /// The peer began a new association inside the same DTLS, which no WebRTC end does.
  case restartedByPeer
  /// The peer sent a message longer than `messageBytesMax`.
  case messageTooLong
  /// The peer's INIT ACK has no cookie, or one that fits no packet.
  case handshakeRefused
}

extension SctpLoss {
  /// For people, of the other end as `peer`, for instance "the client".
  package func reason(peer: String) -> String {
    switch self {
    case .handshakeTimedOut: "\(peer) did not answer the SCTP handshake"
    case .peerUnreachable: "\(peer) acknowledges nothing any more"
    case .abortedByPeer(cause: ErrorCause.userInitiated): "\(peer) aborted the SCTP association"
    case .abortedByPeer(let cause):
      "\(peer) aborted the SCTP association\(cause == 0 ? "" : " with error cause \(cause)")"
    case .aborted: "the SCTP association was aborted on this side"
    case .shutDown: "\(peer) shut the SCTP association down"
    case .restartedByPeer: "\(peer) began another SCTP association"
    case .messageTooLong: "\(peer) sent a longer message than the agreed maximum"
    case .handshakeRefused: "\(peer) answered the SCTP handshake with nonsense"
    }
  }
}

/// What an association has to say.
package enum SctpEvent: Hashable, Sendable {
  /// Both ends have shown that they are there: messages pass.
  case associationUp
  /// The peer opened the channel, or confirmed one of ours, or one without DCEP began. It comes
  /// again for the last when the peer's DATA_CHANNEL_OPEN was late.
  case channelOpened(SctpChannel)
  /// A whole message, in its order where the channel has one.
  case message(stream: UInt16, kind: SctpMessageKind, bytes: [UInt8])
  /// Nothing more comes from or goes to this channel.
  case channelClosed(stream: UInt16)
  /// After a refusal for want of room: half of the send buffer is free again.
  case sendBufferFree
  /// The last event.
  case associationLost(SctpLoss)
}

/// What became of a message given to `send`.
package enum SctpSendVerdict: Hashable, Sendable {
  /// It will be sent as the peer's and the congestion window allow.
  case queued
  /// The send buffer is full: wait for `sendBufferFree`.
  case full
  /// Longer than the peer takes, or than the send buffer.
  case tooLong
  /// No such channel, or it is closing.
  case noChannel
  /// The association is over or shutting down.
  case ended
}

/// What became of a wish to open a channel.
package enum SctpOpenVerdict: Hashable, Sendable {
  /// Messages may be sent at once; `channelOpened` follows when the peer has confirmed.
  case opening(stream: UInt16)
  /// `channelCountMax`, or no stream ID is left.
  case tooManyChannels
  /// Label or sub-protocol is over 1,024 bytes.
  case tooLong
  /// The send buffer is full.
  case full
  /// The association is over or shutting down.
  case ended
}
