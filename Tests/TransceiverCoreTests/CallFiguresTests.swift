import Json
import Testing
import Token
import Wire

@testable import TransceiverCore

/// What `GET /v1/realtime/calls/{id}/stats` answers.
@Suite struct CallFiguresTests {
  @Test func ofACallThatNobodyHasReached() throws {
    var random = SeededRandom(seed: 1)
    let transceiver = TransceiverID(node: 7, shard: 3)
    let callID = CallIDSealer(RoutingKeys.generate(random: &random)).seal(
      TokenContents(cluster: 1, transceiver: transceiver, mintedMinutes: 1, nonce: 1),
      random: &random)
    #expect(
      CallFigures(backend: "echo", transceiver).json(callID).text == """
        {"id":"\(callID.text)","state":"connecting","backend":"echo","age_ms":0,\
        "connect_ms":null,"srtp_profile":null,"round_trip_ms":null,"jitter_ms":null,\
        "buffer_ms":null,"buffer_max_ms":null,"buffer_target_ms":null,"pacer_ms":null,\
        "pacer_max_ms":null,"latency":{"first_stun_ms":null,"dtls_ms":null,\
        "first_audio_in_ms":null,"first_audio_out_ms":null,"answers":0,\
        "voice_to_voice_ms":null,"voice_to_voice_max_ms":null,"voice_to_voice_mean_ms":null,\
        "voice_to_voice_last_ms":[]},\
        "packets_received":0,"packets_lost":0,"packets_sent":0,"packets_resent":0,\
        "encoding":null,\
        "repair":{"packets_restored":0,"packets_recovered":0,"packets_asked_for":0,\
        "packets_answered":0,"packets_repeated":0,"pieces_concealed":0,"red_malformed":0,\
        "rtcp_malformed":0,"silence_owed_ms":0,"quiet_frames_dropped":0},\
        "dtls":{"records_forged":0,"records_replayed":0,"handshake_restarts":0,\
        "associations_lost":0},"channels":null,\
        "route":{"client":null,"relay":null,"relay_worker":null,"listener":null,\
        "transceiver_node":7,"transceiver_shard":3}}
        """)
  }
}
