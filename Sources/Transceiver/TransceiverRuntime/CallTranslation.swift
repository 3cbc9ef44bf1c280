import Backends
import Dtls
import Ice
import Log
import Realtime
import Sdp
import Session
import Signalling
import Token
import Wire

// Signalling, sessions and logs do not know one another; here one's words become another's.

extension SessionParameters {
  /// - Parameter seed: the secret of the session's own random numbers.
  init(_ plan: CallPlan, seed: [UInt8], limits: SessionLimits) {
    self.init(
      local: IceCredentials(ufrag: plan.localUfrag.text, password: plan.localPwd.text),
      remote: IceCredentials(ufrag: plan.remoteUfrag, password: plan.remotePwd),
      remoteFingerprints: plan.fingerprints.compactMap(DtlsFingerprint.init),
      dtlsRole: plan.dtlsRole == .passive ? .passive : .active,
      opusPayloadType: plan.opus.payloadType, ssrc: plan.localSsrc, cname: plan.canonicalName,
      channels: plan.channels.map(ChannelParameters.init), seed: seed, limits: limits)
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

extension CallFigures {
  init(_ plan: CallPlan, _ transceiver: TransceiverID) {
    self.init()
    backend = plan.backend
    transceiverNode = transceiver.node
    transceiverShard = transceiver.shard
  }

  /// These figures with what the session says of itself at `now`.
  func updated(from session: CallSession, at now: Instant) -> CallFigures {
    let figures = session.figures
    var copy = self
    copy.state = session.isConnected ? "connected" : "connecting"
    copy.ageMilliseconds = session.ageMilliseconds(at: now)
    if let path = figures.path {
      copy.relay = path.ingress
      copy.relayWorker = path.relay.port
      copy.listener = path.listener
      copy.client = path.client.masked
    }
    copy.roundTripMilliseconds = figures.roundTripMilliseconds
    copy.jitterMilliseconds = figures.jitterMilliseconds
    copy.bufferMilliseconds = figures.bufferedMilliseconds
    copy.bufferMillisecondsMax = figures.bufferedMillisecondsMax
    copy.bufferTargetMilliseconds = figures.bufferTargetMilliseconds
    copy.pacerMilliseconds = figures.pacerMilliseconds
    copy.pacerMillisecondsMax = figures.pacerMillisecondsMax
    copy.latency = CallFigures.Latency(figures.latency)
    copy.packetsReceived = figures.rtpAccepted
    copy.packetsLost = UInt64(max(0, figures.packetsLost))
    copy.packetsSent = figures.rtpSent
    return copy
  }
}

extension CallFigures.Latency {
  init(_ figures: LatencyFigures) {
    self.init()
    firstStunMilliseconds = figures.firstStunMilliseconds
    dtlsMilliseconds = figures.dtlsMilliseconds
    firstAudioInMilliseconds = figures.firstAudioInMilliseconds
    firstAudioOutMilliseconds = figures.firstAudioOutMilliseconds
    voiceToVoiceMilliseconds = figures.voiceToVoiceMilliseconds
    voiceToVoiceMillisecondsMax = figures.voiceToVoiceMillisecondsMax
    voiceToVoiceMillisecondsMean = figures.voiceToVoiceMillisecondsMean
    voiceToVoiceMillisecondsLast = figures.lastAnswersInOrder
    answers = figures.answers
  }
}

extension CallID {
  /// Who knows a call's ID may end the call, so logs carry its beginning only.
  var logName: LogValue { .text(String(text.prefix(12))) }
}
