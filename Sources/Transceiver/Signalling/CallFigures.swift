import Json

/// What the page draws of a call, as the transceiver sees it. nil: not known (yet).
package struct CallFigures: Sendable {
  /// `connecting` or `connected`.
  package var state = "connecting"
  package var backend = ""
  /// Since the answer was made, milliseconds.
  package var ageMilliseconds: UInt64 = 0
  /// From the answer to working media, milliseconds.
  package var connectMilliseconds: UInt64?
  /// The relay that the client's media comes through.
  package var relay: UInt16?
  /// The worker of that relay, named by its trunk port: the trunk carries no number of workers.
  package var relayWorker: UInt16?
  /// Which of the relay's public addresses the client uses.
  package var listener: UInt8?
  package var transceiverNode: UInt16 = 0
  package var transceiverShard: UInt8 = 0
  /// The client's address, masked.
  package var client: String?
  /// For instance `AEAD_AES_128_GCM`.
  package var srtpProfile: String?
  /// From RTCP, milliseconds.
  package var roundTripMilliseconds: Double?
  /// Interarrival jitter of the client's voice here (RFC 3550, section 6.4.1), milliseconds.
  package var jitterMilliseconds: Double?
  /// How long the client's voice waits in the jitter buffer now, at most so far, and how long it is
  /// meant to, milliseconds.
  package var bufferMilliseconds: UInt64?
  package var bufferMillisecondsMax: UInt64?
  package var bufferTargetMilliseconds: UInt64?
  /// What the answering side has said and the client has not been sent yet, milliseconds.
  package var pacerMilliseconds: UInt64?
  package var pacerMillisecondsMax: UInt64?
  package var latency = Latency()
  package var packetsReceived: UInt64 = 0
  package var packetsLost: UInt64 = 0
  package var packetsSent: UInt64 = 0

  package init() {}
}

extension CallFigures {
  /// How long things took, milliseconds; the first four since the answer was made.
  package struct Latency: Sendable {
    package var firstStunMilliseconds: UInt64?
    package var dtlsMilliseconds: UInt64?
    package var firstAudioInMilliseconds: UInt64?
    package var firstAudioOutMilliseconds: UInt64?
    /// From the end of the person's speech to the first packet of the answer: the last time, the
    /// longest, and the mean of all answers.
    package var voiceToVoiceMilliseconds: UInt64?
    package var voiceToVoiceMillisecondsMax: UInt64?
    package var voiceToVoiceMillisecondsMean: UInt64?
    package var answers: UInt64 = 0
    /// Of the last answers, the oldest first; at most 16.
    package var voiceToVoiceMillisecondsLast: [UInt32] = []

    package init() {}

    fileprivate var json: JsonObject {
      var object = JsonObject()
      object.add("first_stun_ms", firstStunMilliseconds)
      object.add("dtls_ms", dtlsMilliseconds)
      object.add("first_audio_in_ms", firstAudioInMilliseconds)
      object.add("first_audio_out_ms", firstAudioOutMilliseconds)
      object.add("voice_to_voice_ms", voiceToVoiceMilliseconds)
      object.add("voice_to_voice_max_ms", voiceToVoiceMillisecondsMax)
      object.add("voice_to_voice_mean_ms", voiceToVoiceMillisecondsMean)
      object.add("voice_to_voice_last_ms", voiceToVoiceMillisecondsLast)
      object.add("answers", answers)
      return object
    }
  }

  /// The JSON that `GET /v1/realtime/calls/{id}/stats` answers.
  func json(callID: String) -> String {
    var route = JsonObject()
    route.add("client", client)
    route.add("relay", relay)
    route.add("relay_worker", relayWorker)
    route.add("listener", listener)
    route.add("transceiver_node", transceiverNode)
    route.add("transceiver_shard", transceiverShard)
    var whole = JsonObject()
    whole.add("id", callID)
    whole.add("state", state)
    whole.add("backend", backend)
    whole.add("age_ms", ageMilliseconds)
    whole.add("connect_ms", connectMilliseconds)
    whole.add("srtp_profile", srtpProfile)
    whole.add("round_trip_ms", roundTripMilliseconds)
    whole.add("jitter_ms", jitterMilliseconds)
    whole.add("buffer_ms", bufferMilliseconds)
    whole.add("buffer_max_ms", bufferMillisecondsMax)
    whole.add("buffer_target_ms", bufferTargetMilliseconds)
    whole.add("pacer_ms", pacerMilliseconds)
    whole.add("pacer_max_ms", pacerMillisecondsMax)
    whole.add("latency", latency.json)
    whole.add("packets_received", packetsReceived)
    whole.add("packets_lost", packetsLost)
    whole.add("packets_sent", packetsSent)
    whole.add("route", route)
    return whole.text
  }
}
