import Backends
import Dtls
import Ice
import Realtime
import Sdp
import Session
import Signalling
import Token
import Voice
import Wire

// Signalling and sessions do not know one another; here one's words become the other's.

extension SessionParameters {
  /// - Parameters:
  ///   - seed: the secret of the session's own random numbers.
  ///   - voiceBitsPerSecond: the rate of Opus on a good network, 6,000...510,000.
  init(_ plan: CallPlan, seed: [UInt8], limits: SessionLimits, voiceBitsPerSecond: Int32) {
    self.init(
      local: IceCredentials(ufrag: plan.localUfrag.text, password: plan.localPwd.text),
      remote: IceCredentials(ufrag: plan.remoteUfrag, password: plan.remotePwd),
      offerByteCount: plan.offerByteCount,
      remoteFingerprints: plan.fingerprints.compactMap(DtlsFingerprint.init),
      dtlsRole: plan.dtlsRole == .passive ? .passive : .active,
      opusPayloadType: plan.opus.payloadType, ssrc: plan.localSsrc, cname: plan.canonicalName,
      channels: plan.channels.map(ChannelParameters.init), seed: seed, limits: limits)
    sendsAudio = plan.direction.sends
    receivesAudio = plan.direction.receives
    heardPayloadTypes = plan.heardPayloadTypes
    levelExtension = plan.levelExtension
    redPayloadTypes = plan.redPayloadTypes
    redPayloadType = plan.redPayloadType
    asksForResends = plan.asksForResends
    transportSequenceExtension = plan.transportSequenceExtension
    opus = OpusSettings(plan.opus, bitsPerSecond: voiceBitsPerSecond)
  }
}

extension OpusSettings {
  /// Ours, as far as the client's go with them: no more bits than it wants (RFC 7587, section 7.1),
  /// and redundancy only for one that can use it.
  init(_ offered: OfferedOpus, bitsPerSecond: Int32) {
    self.init()
    if let most = offered.averageBitrateMax {
      bitsPerSecondMax = min(bitsPerSecondMax, max(Int32(clamping: most), Self.bitsPerSecondMin))
    }
    self.bitsPerSecond = min(bitsPerSecond, bitsPerSecondMax)
    wireBitsPerSecondMax = offered.wireBitsPerSecondMax.map(Int32.init(clamping:))
    if let most = offered.packetMillisecondsMax {
      // Packets are of whole frames.
      packetMillisecondsMax = min(packetMillisecondsMax, max(most / 20 * 20, 20))
    }
    usesForwardErrorCorrection = offered.usesInbandFec
  }
}

extension ChannelParameters {
  /// What our answer said to what the client offered. Both of today's endpoints have their events
  /// on a channel of this name.
  init(_ offered: OfferedChannels) {
    self.init(eventLabel: "oai-events")
    port = CallAnswer.channelPort
    peerPort = offered.port
    messageBytesMax = CallAnswer.channelMessageBytesMax
    peerMessageBytesMax = offered.messageBytesMax
  }
}

extension CallPlan {
  /// Who answers this call. Both of today's endpoints speak Realtime.
  func makeBackend(_ settings: BackendSettings, _ seeds: CallSeeds) -> any VoiceBackend {
    settings.makeRealtimeBackend(RealtimeCall(identity: seeds.identity, session: session))
  }
}

extension DtlsFingerprint {
  /// nil for a hash that DTLS does not know; the offer's reader lets none pass.
  init?(_ fingerprint: Fingerprint) {
    guard let hash = DtlsHash(name: fingerprint.hash.rawValue) else { return nil }
    self.init(hash: hash, digest: fingerprint.bytes)
  }
}
