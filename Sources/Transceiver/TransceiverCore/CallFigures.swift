package import Json
import Sctp
package import Session
package import Signalling
package import Token
import Voice
package import Wire

/// What is told of a living call, to its page and to operators. Made with the call and renewed once
/// a second; nil is what is not known (yet).
package struct CallFigures: Sendable {
  /// The name of who answers, as requests say it.
  package let backend: String
  /// The shard that owns the call.
  package let transceiver: TransceiverID
  /// Keys are agreed on and media flows.
  package var isConnected = false
  /// Since the answer was made.
  package var ageMilliseconds: UInt64 = 0
  /// From the answer to working media.
  package var connectMilliseconds: UInt64?
  /// For instance `AEAD_AES_128_GCM`.
  package var srtpProfile: String?
  /// Why there are no data channels any more.
  package var channelsLost: String?
  /// What the session says of itself.
  package var session: SessionFigures?

  /// Of a call of which nothing has been seen yet.
  package init(backend: String, _ transceiver: TransceiverID) {
    self.backend = backend
    self.transceiver = transceiver
  }

  /// The same, of the call that a plan begins.
  package init(_ plan: CallPlan, _ transceiver: TransceiverID) {
    self.init(backend: plan.backend, transceiver)
  }

  /// Renews them with what the session says at `now`.
  mutating func update(from session: CallSession, at now: Instant) {
    isConnected = session.isConnected
    ageMilliseconds = session.ageMilliseconds(at: now)
    self.session = session.figures
  }

  /// The JSON that `GET /v1/realtime/calls/{id}/stats` answers.
  package func json(_ callID: CallID) -> JsonObject {
    var whole = JsonObject()
    whole.add("id", callID.text)
    whole.add("state", isConnected ? "connected" : "connecting")
    whole.add("backend", backend)
    whole.add("age_ms", ageMilliseconds)
    whole.add("connect_ms", connectMilliseconds)
    whole.add("srtp_profile", srtpProfile)
    whole.add("round_trip_ms", session?.roundTripMilliseconds)
    whole.add("jitter_ms", session?.jitterMilliseconds)
    whole.add("buffer_ms", session?.bufferedMilliseconds)
    whole.add("buffer_max_ms", session?.bufferedMillisecondsMax)
    whole.add("buffer_target_ms", session?.bufferTargetMilliseconds)
    whole.add("pacer_ms", session?.pacerMilliseconds)
    whole.add("pacer_max_ms", session?.pacerMillisecondsMax)
    whole.add("latency", (session?.latency ?? LatencyFigures()).json)
    whole.add("packets_received", session?.rtpAccepted ?? 0)
    whole.add("packets_lost", max(0, session?.packetsLost ?? 0))
    whole.add("packets_sent", session?.rtpSent ?? 0)
    whole.add("packets_resent", session?.rtpResent ?? 0)
    whole.add("encoding", session?.encoding?.json)
    whole.add("repair", (session ?? SessionFigures()).repairJson)
    whole.add("dtls", (session ?? SessionFigures()).dtlsJson)
    whole.add("channels", session?.channels?.json(lost: channelsLost))
    whole.add("route", route)
    return whole
  }

  private var route: JsonObject {
    let path = session?.path
    var object = JsonObject()
    object.add("client", path?.client.masked)
    object.add("relay", path?.ingress)
    // The trunk carries no number of workers; the port tells them apart.
    object.add("relay_worker", path?.relay.port)
    object.add("listener", path?.listener)
    object.add("transceiver_node", transceiver.node)
    object.add("transceiver_shard", transceiver.shard)
    return object
  }
}

/// A figure under the name that statistics and log lines share.
package typealias NamedFigure = (name: String, value: UInt64?)

extension LatencyFigures {
  /// What the line of a call's end says, and its statistics.
  package var named: [NamedFigure] {
    [
      ("first_stun_ms", firstStunMilliseconds), ("dtls_ms", dtlsMilliseconds),
      ("first_audio_in_ms", firstAudioInMilliseconds),
      ("first_audio_out_ms", firstAudioOutMilliseconds), ("answers", answers),
      ("voice_to_voice_ms", voiceToVoiceMilliseconds),
      ("voice_to_voice_max_ms", voiceToVoiceMillisecondsMax),
      ("voice_to_voice_mean_ms", voiceToVoiceMillisecondsMean),
    ]
  }

  fileprivate var json: JsonObject {
    var object = JsonObject()
    object.add(named)
    object.add("voice_to_voice_last_ms", lastAnswersInOrder)
    return object
  }
}

extension SessionFigures {
  /// What became of the client's sound that the network lost or held up.
  package var repair: [NamedFigure] {
    [
      ("packets_restored", packetsRestored), ("packets_recovered", packetsRecovered),
      ("packets_asked_for", packetsAskedFor), ("packets_answered", packetsResent),
      ("packets_repeated", rtpRepeated), ("pieces_concealed", piecesConcealed),
      ("red_malformed", redMalformed), ("rtcp_malformed", rtcpMalformed),
      ("silence_owed_ms", debtMilliseconds), ("quiet_frames_dropped", quietFramesDropped),
    ]
  }

  fileprivate var repairJson: JsonObject {
    var object = JsonObject()
    object.add(repair)
    return object
  }

  /// What became of what is not the client's, or was no more than a repetition.
  fileprivate var dtlsJson: JsonObject {
    var object = JsonObject()
    object.add("records_forged", dtlsForged)
    object.add("records_replayed", dtlsReplayed)
    object.add("handshake_restarts", dtlsRestarts)
    object.add("associations_lost", dtlsAssociationsLost)
    return object
  }
}

extension EncodingFigures {
  /// What the line of a call's end says.
  package var named: [NamedFigure] {
    [("coder_changes", coderChanges), ("narrowings", narrowings)]
  }

  fileprivate var json: JsonObject {
    var object = JsonObject()
    object.add("coder", plan.coder == .celt ? "celt" : "silk")
    object.add("bits_per_second", Int(plan.bitsPerSecond))
    object.add("packet_ms", plan.packetMilliseconds)
    object.add("copies", plan.carriesCopy)
    object.add("prepared_for_loss_percent", Int(plan.lossPercent))
    object.add("loss_percent", lossPercent)
    object.add(named)
    return object
  }
}

extension ChannelFigures {
  /// What they have carried so far; messages on every channel, without headers.
  package var named: [NamedFigure] {
    [
      ("events_received", eventsReceived), ("events_sent", eventsSent),
      ("message_bytes_received", association?.messageBytesReceived),
      ("message_bytes_sent", association?.messageBytesSent),
      ("sctp_retransmissions", association?.retransmissions),
    ]
  }

  /// - Parameter lost: why they are gone.
  fileprivate func json(lost: String?) -> JsonObject {
    var object = JsonObject()
    object.add("open", association?.channels)
    object.add("lost", lost)
    object.add(named)
    object.add("events_too_long", eventsTooLong)
    object.add("messages_ignored", messagesIgnored)
    object.add("messages_received", association?.messagesReceived)
    object.add("messages_sent", association?.messagesSent)
    object.add("sctp_packets_received", association?.packets.total)
    object.add("sctp_packets_sent", association?.packetsSent)
    let trip = association.map(\.smoothedRoundTripMicroseconds).flatMap { $0 > 0 ? $0 : nil }
    object.add("round_trip_ms", trip.map { Double($0) / 1_000 })
    object.add("send_buffer_bytes", association?.sendBufferBytes)
    object.add("receive_buffer_bytes", association?.receiveBufferBytes)
    return object
  }
}

extension JsonObject {
  fileprivate mutating func add(_ figures: [NamedFigure]) {
    for figure in figures { add(figure.name, figure.value) }
  }
}
