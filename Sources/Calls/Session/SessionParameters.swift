package import Dtls
package import Ice
package import Voice

/// Everything that a session is told at its birth. It never changes afterwards.
package struct SessionParameters: Sendable {
  /// Ours: the ufrag is the sealed routing token, the password derived from it.
  package var local: IceCredentials
  /// The client's, from its offer.
  package var remote: IceCredentials
  /// The length of the offer: what the client has sent us already when its first check comes.
  package var offerByteCount: Int
  /// What the client's certificate must hash to: any one of these.
  package var remoteFingerprints: [DtlsFingerprint]
  /// Whether we send the ClientHello (`active`) or wait for it (RFC 5763, section 5).
  package var dtlsRole: DtlsRole
  /// Whether the answer says that we send audio, and that we receive it (RFC 8866, section 6.7).
  package var sendsAudio = true
  package var receivesAudio = true
  /// The payload type of the Opus that we send.
  package var opusPayloadType: UInt8
  /// The payload type that means Opus on each line that the client may send on. With several
  /// lines one is heard at a time: who talks.
  package var heardPayloadTypes: [UInt8]
  /// The ID of the header extension by which the client tells how loud each packet is (RFC 6464),
  /// where that was agreed on.
  package var levelExtension: UInt8?
  /// The payload types of redundancy (RFC 2198) on the lines that the client may send on, in the
  /// order of `heardPayloadTypes`, without gaps for lines that have none.
  package var redPayloadTypes: [UInt8] = []
  /// That of redundancy that we may send; nil where the client takes none.
  package var redPayloadType: UInt8?
  /// Whether the client sends again what our NACKs ask for (RFC 4585).
  package var asksForResends = false
  /// The ID, 1...14, of the header extension with transport-wide sequence numbers on what we send,
  /// where the client tells by them what came; nil without.
  package var transportSequenceExtension: UInt8?
  /// How our sound is encoded.
  package var opus = OpusSettings()
  /// The SSRC that the answer announced for our audio.
  package var ssrc: UInt32
  /// The RTCP CNAME that the answer announced, ASCII.
  package var cname: String
  /// What was agreed on for data channels; nil when the answer has none.
  package var channels: ChannelParameters?
  /// 16 secret bytes or more, for nothing else: the session's own random numbers come from them.
  /// Who could foretell the transaction IDs would answer for an address that is not theirs.
  package var seed: [UInt8]
  package var limits: SessionLimits

  package init(
    local: IceCredentials, remote: IceCredentials, offerByteCount: Int,
    remoteFingerprints: [DtlsFingerprint], dtlsRole: DtlsRole, opusPayloadType: UInt8, ssrc: UInt32,
    cname: String,
    channels: ChannelParameters? = nil, seed: [UInt8], limits: SessionLimits = SessionLimits()
  ) {
    self.local = local
    self.remote = remote
    self.offerByteCount = offerByteCount
    self.remoteFingerprints = remoteFingerprints
    self.dtlsRole = dtlsRole
    self.opusPayloadType = opusPayloadType
    heardPayloadTypes = [opusPayloadType]
    self.ssrc = ssrc
    self.cname = cname
    self.channels = channels
    self.seed = seed
    self.limits = limits
  }
}

/// How long a session may take and last, in milliseconds.
package struct SessionLimits: Sendable {
  /// From the answer to the first media key. A call that never gets there is `neverConnected`.
  package var connectMilliseconds: UInt64 = 30_000
  /// The longest session; a routing token must live longer than this.
  package var sessionMilliseconds: UInt64 = 2 * 3_600_000
  package init() {}
}
