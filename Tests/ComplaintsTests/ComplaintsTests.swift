import Log
import Testing
import Wire

@testable import Complaints

@Suite struct ComplaintsTests {
  private static let forged = Complaint(
    "forged", "tags do not hold", cause: "another key", remedy: "--keys", leastInAMinute: 5)
  private static let full = Complaint("full", "it is full", cause: "small", remedy: "--size")

  private static func second(_ number: UInt64) -> Instant {
    Instant(nanoseconds: 7).advanced(byMilliseconds: number * 1_000)
  }

  private static func figures(
    forged: UInt64 = 0, full: UInt64 = 0
  ) -> [(name: String, value: UInt64)] {
    [("received", 99), ("forged", forged), ("full", full)]
  }

  @Test func theFirstIsSaidAtOnceWithCauseAndRemedy() {
    var complaints = Complaints([Self.forged, Self.full])
    #expect(complaints.look(at: Self.figures(), now: Self.second(0)).isEmpty)
    let lines = complaints.look(at: Self.figures(full: 1), now: Self.second(1))
    #expect(
      lines == [
        ComplaintLine(
          event: "it is full",
          fields: [
            ("counter", "full"), ("since_last", 1), ("in_all", 1), ("likely_cause", "small"),
            ("remedy", "--size"),
          ])
      ])
  }

  @Test func thenOneLineAMinuteTellsHowManyCameSince() {
    var complaints = Complaints([Self.full])
    var said: [(second: UInt64, line: ComplaintLine)] = []
    for second in 0...300 as ClosedRange<UInt64> {
      let figures = Self.figures(full: 10 * (second + 1))
      for line in complaints.look(at: figures, now: Self.second(second)) {
        said.append((second, line))
      }
    }
    #expect(said.map(\.second) == [0, 60, 120, 180, 240, 300])
    #expect(said.map { $0.line.fields[1].value } == [10, 600, 600, 600, 600, 600])
    #expect(said.last?.line.fields[2].value == 3_010)
  }

  @Test func eachCauseHasItsOwnMinute() {
    var complaints = Complaints([Self.forged, Self.full])
    #expect(complaints.look(at: Self.figures(full: 1), now: Self.second(0)).count == 1)
    let lines = complaints.look(at: Self.figures(forged: 5, full: 2), now: Self.second(1))
    #expect(lines.map(\.event) == ["tags do not hold"])
  }

  @Test func whatStrangersSendNowAndThenIsNotWorthALine() {
    var complaints = Complaints([Self.forged])
    // One in 20 s: three or four in any minute.
    for second in 0..<3_600 as Range<UInt64> {
      let lines = complaints.look(
        at: Self.figures(forged: second / 20), now: Self.second(second))
      #expect(lines.isEmpty, "second \(second)")
    }
    // A burst is, however much was passed over before.
    let lines = complaints.look(at: Self.figures(forged: 190), now: Self.second(3_601))
    #expect(lines.map { $0.fields[1].value } == [190])
  }

  @Test func fewAfterALineWaitForMore() {
    var complaints = Complaints([Self.forged])
    #expect(complaints.look(at: Self.figures(forged: 5), now: Self.second(0)).count == 1)
    #expect(complaints.look(at: Self.figures(forged: 8), now: Self.second(61)).isEmpty)
    #expect(complaints.look(at: Self.figures(forged: 12), now: Self.second(62)).isEmpty)
    let lines = complaints.look(at: Self.figures(forged: 13), now: Self.second(63))
    #expect(lines.map { $0.fields[1].value } == [8])
  }

  @Test func aCounterThatIsReadBehindSaysNothing() {
    var complaints = Complaints([Self.full])
    #expect(complaints.look(at: Self.figures(full: 9), now: Self.second(0)).count == 1)
    #expect(complaints.look(at: Self.figures(full: 2), now: Self.second(100)).isEmpty)
    #expect(complaints.look(at: Self.figures(full: 9), now: Self.second(101)).isEmpty)
  }

  @Test func aDetailStandsInTheLine() {
    var complaints = Complaints([Self.full])
    let lines = complaints.look(
      at: Self.figures(full: 1), details: ["full": "3.1", "other": "x"], now: Self.second(0))
    #expect(lines.first?.fields.map(\.key).contains("detail") == true)
    #expect(lines.first?.fields[3].value == "3.1")
  }

  @Test func theEndSaysWhatTheMinuteHeldBack() {
    var complaints = Complaints([Self.full, Self.forged])
    #expect(complaints.look(at: Self.figures(full: 1), now: Self.second(0)).count == 1)
    let lines = complaints.lastWords(of: Self.figures(forged: 4, full: 7), now: Self.second(1))
    #expect(lines.map(\.event) == ["it is full"])
    #expect(lines.first?.fields[1].value == 6)
  }
}

@Suite struct UnansweredTests {
  private func at(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: 0).advanced(byMilliseconds: milliseconds)
  }

  @Test func whoNeverAnswersIsSilentAfterTheTime() {
    var watch = Unanswered(leastAsks: 3, milliseconds: 5_000)
    #expect(watch.note(asked: 2, answered: 0, at: at(0)) == 0)
    #expect(watch.note(asked: 9, answered: 0, at: at(4_999)) == 0)
    #expect(watch.note(asked: 9, answered: 0, at: at(5_000)) == 9)
    #expect(watch.isSilent)
    #expect(!watch.hasEverAnswered)
    #expect(watch.note(asked: 9, answered: 0, at: at(6_000)) == 0)
    #expect(watch.note(asked: 11, answered: 0, at: at(7_000)) == 2)
  }

  @Test func fewAsksAreNoSilence() {
    var watch = Unanswered(leastAsks: 3, milliseconds: 5_000)
    #expect(watch.note(asked: 2, answered: 0, at: at(0)) == 0)
    #expect(watch.note(asked: 2, answered: 0, at: at(60_000)) == 0)
    #expect(!watch.isSilent)
  }

  @Test func anAnswerSettlesEverythingBefore() {
    var watch = Unanswered(leastAsks: 3, milliseconds: 5_000)
    #expect(watch.note(asked: 5, answered: 0, at: at(0)) == 0)
    #expect(watch.note(asked: 50, answered: 1, at: at(10_000)) == 0)
    #expect(watch.hasEverAnswered)
    #expect(watch.note(asked: 50, answered: 1, at: at(90_000)) == 0)
    #expect(!watch.isSilent)
  }

  @Test func whoFallsSilentIsNoticedAndWhoComesBackToo() {
    var watch = Unanswered(leastAsks: 3, milliseconds: 5_000)
    #expect(watch.note(asked: 50, answered: 40, at: at(0)) == 0)
    #expect(watch.note(asked: 55, answered: 40, at: at(1_000)) == 0)
    #expect(watch.note(asked: 60, answered: 40, at: at(6_000)) == 10)
    #expect(watch.isSilent && watch.hasEverAnswered)
    #expect(watch.note(asked: 61, answered: 41, at: at(7_000)) == 0)
    #expect(!watch.isSilent)
    #expect(watch.note(asked: 70, answered: 41, at: at(8_000)) == 0)
    #expect(watch.note(asked: 70, answered: 41, at: at(13_000)) == 9)
  }
}
