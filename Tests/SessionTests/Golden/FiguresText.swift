import Backends
import CallClient
import Sctp
import Session
import Voice
import Wire

/// A call in numbers, a line each, under names of this file's own: whoever renames a property
/// changes nothing here.
enum FiguresText {
  static func lines(_ figures: SessionFigures) -> [String] {
    let path = figures.path.map { "\($0.relay) \($0.ingress) \($0.listener) \($0.client)" }
    return counts(figures) + voice(figures) + latency(figures) + answering(figures.party)
      + channels(figures.channels) + [
        "set-up \(figures.setUp?.rawValue ?? "done")", "media-path \(path ?? "none")",
      ]
  }

  private static func lines(_ named: KeyValuePairs<String, Any?>) -> [String] {
    named.map { "\($0) \($1.map { "\($0)" } ?? "nil")" }
  }

  private static func counts(_ figures: SessionFigures) -> [String] {
    lines([
      "stun-accepted": figures.stunAccepted, "stun-ignored": figures.stunIgnored,
      "dtls-accepted": figures.dtlsAccepted, "dtls-unknown-path": figures.dtlsFromUnknownPath,
      "dtls-forged": figures.dtlsForged, "dtls-replayed": figures.dtlsReplayed,
      "dtls-restarts": figures.dtlsRestarts, "dtls-lost": figures.dtlsAssociationsLost,
      "rtp-accepted": figures.rtpAccepted, "rtcp-accepted": figures.rtcpAccepted,
      "media-unexpected": figures.mediaUnexpected, "media-refused": figures.mediaRefused,
      "rtp-repeated": figures.rtpRepeated, "unknown-kind": figures.unknownKind,
      "data-unexpected": figures.channelDataUnexpected, "rtp-sent": figures.rtpSent,
      "rtp-resent": figures.rtpResent, "send-failed": figures.sendFailed,
      "datagrams": figures.datagrams,
    ])
  }

  private static func voice(_ figures: SessionFigures) -> [String] {
    let plan = figures.encoding?.plan
    return lines([
      "lost": figures.packetsLost, "restored": figures.packetsRestored,
      "recovered": figures.packetsRecovered, "asked-for": figures.packetsAskedFor,
      "resent": figures.packetsResent, "concealed": figures.piecesConcealed,
      "red-malformed": figures.redMalformed, "rtcp-malformed": figures.rtcpMalformed,
      "debt-ms": figures.debtMilliseconds, "quiet-dropped": figures.quietFramesDropped,
      "jitter-ms": figures.jitterMilliseconds, "round-trip-ms": figures.roundTripMilliseconds,
      "reported-lost": figures.reportedLost, "buffered-ms": figures.bufferedMilliseconds,
      "buffered-ms-max": figures.bufferedMillisecondsMax,
      "buffer-target-ms": figures.bufferTargetMilliseconds,
      "pacer-ms": figures.pacerMilliseconds, "pacer-ms-max": figures.pacerMillisecondsMax,
      "coder": plan?.coder, "bits-per-second": plan?.bitsPerSecond,
      "packet-ms": plan?.packetMilliseconds, "complexity": plan?.complexity,
      "plan-loss-percent": plan?.lossPercent, "carries-copy": plan?.carriesCopy,
      "loss-percent": figures.encoding?.lossPercent,
      "coder-changes": figures.encoding?.coderChanges,
      "narrowings": figures.encoding?.narrowings,
    ])
  }

  private static func latency(_ figures: SessionFigures) -> [String] {
    let latency = figures.latency
    return lines([
      "first-stun-ms": latency.firstStunMilliseconds, "dtls-ms": latency.dtlsMilliseconds,
      "first-audio-in-ms": latency.firstAudioInMilliseconds,
      "first-audio-out-ms": latency.firstAudioOutMilliseconds,
      "voice-to-voice-ms": latency.voiceToVoiceMilliseconds,
      "voice-to-voice-ms-max": latency.voiceToVoiceMillisecondsMax,
      "voice-to-voice-ms-sum": latency.voiceToVoiceMillisecondsSum,
      "answers": latency.answers, "last-answers": latency.lastAnswersInOrder,
    ])
  }

  private static func answering(_ figures: PartyFigures) -> [String] {
    lines([
      "client-events": figures.clientEvents, "client-events-refused": figures.clientEventsRefused,
      "service-messages": figures.serviceMessages, "service-garbage": figures.serviceGarbage,
      "service-attempts": figures.serviceAttempts, "unheard-ms": figures.unheardMilliseconds,
      "dropped-ms": figures.droppedMilliseconds, "runaways": figures.runaways,
      "interruptions": figures.interruptions,
    ])
  }

  private static func channels(_ figures: ChannelFigures?) -> [String] {
    guard let figures else { return ["channels none"] }
    let sctp = figures.association
    return lines([
      "channels-opened": figures.opened, "events-received": figures.eventsReceived,
      "events-sent": figures.eventsSent, "events-too-long": figures.eventsTooLong,
      "messages-ignored": figures.messagesIgnored, "cut-offs": figures.cutOffs,
      "sctp-accepted": sctp?.packets.accepted, "sctp-total": sctp?.packets.total,
      "sctp-sent": sctp?.packetsSent, "sctp-messages-received": sctp?.messagesReceived,
      "sctp-messages-sent": sctp?.messagesSent, "sctp-bytes-received": sctp?.messageBytesReceived,
      "sctp-bytes-sent": sctp?.messageBytesSent, "sctp-retransmissions": sctp?.retransmissions,
      "sctp-out-of-place": sctp?.chunksOutOfPlace, "sctp-duplicate": sctp?.dataDuplicate,
      "sctp-unclaimed": sctp?.messagesUnclaimed, "sctp-channels": sctp?.channels,
      "sctp-window": sctp?.congestionWindowBytes,
      "sctp-round-trip-us": sctp?.smoothedRoundTripMicroseconds,
    ])
  }

  static func lines(_ figures: CallClientFigures) -> [String] {
    lines([
      "caller-ice-ms": figures.iceMilliseconds, "caller-connect-ms": figures.connectMilliseconds,
      "caller-sent": figures.packetsSent, "caller-received": figures.packetsReceived,
      "caller-lost": figures.packetsLost, "caller-lost-to-server": figures.packets.lostToServer,
      "caller-not-returned": figures.packets.notReturned,
      "caller-concealed": figures.framesConcealed, "caller-refused": figures.packetsRefused,
      "caller-round-trip-us": figures.roundTripMicroseconds,
      "caller-tone-windows": "~\(figures.tone.rightWindows)/\(figures.tone.windows)",
      "caller-profile": figures.srtpProfile,
    ])
  }
}
