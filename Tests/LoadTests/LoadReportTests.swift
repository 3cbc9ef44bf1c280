import Rtp
import Testing
import Wire

@testable import CallClient
@testable import Load
@testable import Voice

@Suite struct LoadReportTests {
  private func result(_ failure: String?, connect: UInt64?) -> LoadResult {
    var figures = CallClientFigures()
    figures.connectMilliseconds = connect
    figures.packets = Self.ledger(arrives: connect != nil)
    return LoadResult(failure: failure, figures: figures)
  }

  /// Of 500 packets, 490 get there by a report that knows of 498; of the server's 500, 495 come.
  private static func ledger(arrives: Bool) -> PacketLedger {
    var ledger = PacketLedger()
    for _ in 0..<500 { ledger.noteSent() }
    guard arrives else { return ledger }
    ledger.note(
      ReportBlock(ssrc: 1, cumulativeLost: 8, highestSequence: 1_497), firstSequenceNumber: 1_000)
    var source = ReceiverStatistics(ssrc: 2, firstSequenceNumber: 0, clockRate: 48_000)
    for number in (0..<500 as Range<UInt16>) where number < 490 || number >= 495 {
      source.note(
        sequenceNumber: number, timestamp: UInt32(number) * 960, at: Instant(nanoseconds: 1))
      ledger.noteReceived(source, isInTime: true)
    }
    return ledger
  }

  @Test func aCallWithoutItsToneIsNotGood() {
    let report = LoadReport([result(nil, connect: 10)], seconds: 10)
    #expect(!report.isGood)
    #expect(report.text.contains("0 of 1 calls connected and heard their tone for 10 s"))
    #expect(report.text.contains("failed: 1 x the tone did not come back"))
  }

  /// Of 50 windows: all with another call's tone, all right, wrong now and then, right only in the
  /// second half.
  @Test(arguments: [
    (50, 310.0, 0, false), (50, 300, 0, true), (50, 300, 6, false), (25, 300, 0, false),
  ])
  func aCallIsGoodWithItsOwnToneAllAlong(
    windows: Int, hertz: Double, wrong: Int, isGood: Bool
  ) {
    var result = result(nil, connect: 10)
    for window in 0..<windows {
      let heard = window > 0 && window <= wrong ? 0 : hertz
      result.figures.tone.note(ToneReading(hertz: heard, level: -12, purity: 1), expected: 300)
    }
    #expect(result.isGood(seconds: 10) == isGood)
  }

  @Test func jsonNamesFiguresAndFailures() {
    let failed = result("the server said \"no\"\n", connect: nil)
    let report = LoadReport([failed, failed, result(nil, connect: 30)], seconds: 10)
    #expect(
      report.json == """
        {"calls":3,"good":0,"seconds":10,"connect_ms_median":30,"connect_ms_p99":30,\
        "connect_ms_max":30,"round_trip_us_median":null,"packets_sent":1500,\
        "packets_returned":495,"packets_lost":1005,"packets_lost_percent":67.0,\
        "to_server_arrived":490,"to_server_lost":1010,"to_server_unreported":1002,\
        "from_server_sent":500,"from_server_arrived":495,"from_server_lost":5,\
        "packets_refused":0,\
        "frames_concealed":0,"errors":{},\
        "failures":{"the server said \\"no\\"\\n":2,"the tone did not come back":1}}

        """)
  }

  @Test func eachWayHasItsOwnLosses() {
    let text = LoadReport([result(nil, connect: 30)], seconds: 10).text
    #expect(
      text.contains(
        """
          to the server      500 sent, 490 arrived, 10 lost (2.0 %); no report tells of 2 of these
          from the server    500 sent, 495 arrived, 5 lost (1.0 %), 0 refused
          there and back     500 sent, 495 returned, 5 lost (1.0 %)

        """))
  }

  @Test func updatesAreThereWhenTheyWereAskedFor() {
    let results = [900, 300, 500].map { (time: UInt64) in
      var updated = result(nil, connect: 10)
      updated.updateMicroseconds = time
      if time > 300 { updated.errorCodes = ["event_too_long"] }
      return updated
    }
    let report = LoadReport(results, seconds: 10)
    #expect(report.text.contains("session updated    500 us (median), 900 (99 of 100), 900 (slow"))
    #expect(
      report.json.contains(#","updates":3,"update_us_median":500,"update_us_max":900,"#))
    #expect(report.text.contains("error events       2 calls, event_too_long"))
    #expect(report.json.contains(#","errors":{"event_too_long":2},"#))
  }

  @Test func withoutCallsNothingIsDividedByZero() {
    let report = LoadReport([], seconds: 1)
    #expect(report.isGood)
    #expect(report.text.contains("never"))
    #expect(report.json.contains("\"connect_ms_max\":null"))
  }
}
