import Json

/// What signalling asks of the process that owns the sessions. Called on the web server's
/// thread; the answers may be a moment old.
package protocol CallDirectory {
  /// The shard that shall own the next call; nil when this node takes no more calls.
  func shardForNewCall() -> UInt8?
  /// Whether the call lives. False for one that ended or never was.
  func isAlive(_ call: CallReference) -> Bool
  /// The call's live figures for the page; nil when it does not live.
  func figures(of call: CallReference) -> CallFigures?
  /// How many calls live that `caller` began.
  func callCount(of caller: Caller) -> Int
}

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
  /// What the jitter buffer holds back, milliseconds.
  package var bufferMilliseconds: Double?
  package var packetsReceived: UInt64 = 0
  package var packetsLost: UInt64 = 0
  package var packetsSent: UInt64 = 0

  package init() {}

  /// The JSON that `GET /v1/martlet/calls/{id}` answers.
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
    whole.add("packets_received", packetsReceived)
    whole.add("packets_lost", packetsLost)
    whole.add("packets_sent", packetsSent)
    whole.add("route", route)
    return whole.text
  }
}
