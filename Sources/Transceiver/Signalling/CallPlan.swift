package import Sdp
package import Token

/// Which call a request means: its ID, and the shard that owns it, read out of the ID.
package struct CallReference: Hashable, Sendable {
  package var callID: CallID
  /// The shard of this node that owns the call.
  package var shard: UInt8

  package init(callID: CallID, shard: UInt8) {
    self.callID = callID
    self.shard = shard
  }
}

/// Everything a session needs to begin, agreed on by offer and answer.
///
/// Holds both ICE passwords: never print it.
package struct CallPlan: Sendable {
  /// The session is found by it for a hang-up.
  package var callID: CallID
  /// The shard that must own the session: the routing token says so.
  package var shard: UInt8
  /// Our ufrag, the routing token: clients' checks begin with it.
  package var localUfrag: RoutingToken
  package var localPwd: IcePassword
  package var remoteUfrag: String
  package var remotePwd: String
  /// The length of the client's offer.
  package var offerByteCount: Int
  /// One of these must be the hash of the client's certificate.
  package var fingerprints: [Fingerprint]
  /// Our DTLS role: `.active` or `.passive`.
  package var dtlsRole: Setup
  /// How Opus is named where we send it, and what the client wants of it.
  package var opus: OfferedOpus
  /// What we do with audio, as our answer says it of all its lines together.
  package var direction: Direction
  /// The payload type of Opus on each line that the client sends on.
  package var heardPayloadTypes: [UInt8]
  /// The header extension (RFC 6464) by which the client tells which of several lines talks.
  package var levelExtension: UInt8?
  /// The payload types of redundancy (RFC 2198) that the client may send, see
  /// `CallOffer.heardRedPayloadTypes`.
  package var redPayloadTypes: [UInt8] = []
  /// That of redundancy that we may send.
  package var redPayloadType: UInt8?
  /// Whether the client sends again what we ask for (NACK, RFC 4585).
  package var asksForResends = false
  /// The header extension with the transport's sequence numbers that the client gives feedback on.
  package var transportSequenceExtension: UInt8?
  /// The SSRC we announced.
  package var localSsrc: UInt32
  /// The canonical name we announced (RFC 3550, section 6.5.1).
  package var canonicalName: String
  /// The data channels that our answer takes; nil when it has none.
  package var channels: OfferedChannels?
  /// One of the options' backends, for instance `echo`.
  package var backend: String
  /// What the session shall be, a JSON object as the client or the maker of its secret wrote it:
  /// for the dialect to read. Empty when nobody said anything; at most 96 KiB.
  package var session: [UInt8] = []
  /// Who began the call.
  package var caller = Caller.network("")

  /// The call that this plan begins.
  package var reference: CallReference { CallReference(callID: callID, shard: shard) }
}
