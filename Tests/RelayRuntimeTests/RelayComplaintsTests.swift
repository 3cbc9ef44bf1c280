import Complaints
import RelayCore
import Testing
import Wire

@testable import RelayRuntime

/// What a relay complains about, and about whom.
@Suite struct RelayComplaintsTests {
  private func entry(_ node: UInt16) -> TransceiverEntry {
    TransceiverEntry(
      id: TransceiverID(node: node, shard: 0),
      address: TransportAddress(ipv4: 0x0A00_0000 + UInt32(node), port: 4_000))
  }

  private func traffic(_ sent: UInt64, _ heard: UInt64) -> TransceiverTraffic {
    var traffic = TransceiverTraffic()
    traffic.sent = sent
    traffic.heard = heard
    return traffic
  }

  private func second(_ number: UInt64) -> Instant {
    Instant(nanoseconds: 0).advanced(byMilliseconds: number * 1_000)
  }

  /// A name that is no counter's would never be complained about.
  @Test func everyComplaintIsOfACounterThatThereIs() {
    let silence = TransceiverSilence([])
    let names = Set((RelayReport().named + silence.figures).map(\.name))
    for complaint in RelayComplaints.table {
      #expect(names.contains(complaint.counter), "\(complaint.counter)")
      #expect(!complaint.cause.isEmpty && !complaint.remedy.isEmpty)
    }
    let counters = RelayComplaints.table.map(\.counter)
    #expect(Set(counters).count == counters.count)
  }

  @Test func everyMistakeOfAnotherProgramIsComplainedAbout() {
    let mistakes: [RelayCounter] = [
      .clientTokenForged, .clientTokenUnknownKey, .clientTokenExpired, .clientOtherCluster,
      .clientUnknownTransceiver, .clientIntegrityFailed, .trunkForged, .trunkMisdirected,
      .trunkUnknownTransceiver, .routeTableFull, .clientUnusableSource,
    ]
    let counters = Set(RelayComplaints.table.map(\.counter))
    for mistake in mistakes { #expect(counters.contains(mistake.name)) }
  }

  @Test func aSilentTransceiverIsNamed() {
    var silence = TransceiverSilence([entry(1), entry(2)])
    silence.note([traffic(4, 0), traffic(9, 9)], at: second(0))
    #expect(silence.figures.allSatisfy { $0.value == 0 })
    silence.note([traffic(8, 0), traffic(20, 18)], at: second(6))
    #expect(silence.figures.map(\.value) == [8, 0])
    #expect(silence.details == [TransceiverSilence.neverHeardName: "1.0=10.0.0.1:4000"])
    silence.note([traffic(8, 0), traffic(40, 18)], at: second(7))
    silence.note([traffic(8, 0), traffic(50, 18)], at: second(13))
    #expect(silence.figures.map(\.value) == [8, 30])
    #expect(silence.details[TransceiverSilence.fellSilentName] == "2.0=10.0.0.2:4000")
  }

  @Test func aLineNamesFewAndCountsTheRest() {
    var silence = TransceiverSilence((1...9).map(entry))
    silence.note(Array(repeating: traffic(9, 0), count: 9), at: second(0))
    silence.note(Array(repeating: traffic(9, 0), count: 9), at: second(6))
    let text = silence.details[TransceiverSilence.neverHeardName]
    #expect(text?.hasPrefix("1.0=10.0.0.1:4000 2.0=") == true)
    #expect(text?.hasSuffix(" and 5 more") == true)
  }

  @Test func whatIsKnownOfTheOtherSideStandsThere() {
    var evidence = Evidence()
    #expect(evidence.details.isEmpty)
    evidence.unknownTransceiver = TransceiverID(node: 3, shard: 1)
    evidence.tokenAgeMinutes = -61
    evidence.otherRelay = Evidence.RelayName(cluster: 4, relayID: 2)
    #expect(evidence.details["client_unknown_transceiver"] == "transceiver 3.1")
    #expect(evidence.details["client_token_expired"] == "made 61 minutes from now")
    #expect(evidence.details["trunk_misdirected"] == "relay 2 of cluster 4")
  }
}
