import Rtp
import Testing
import Wire

@Suite struct ResendRequestsTests {
  private func instant(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: 9_000_000_000 + milliseconds * 1_000_000)
  }

  /// The numbers that are asked for at `milliseconds`.
  private func take(
    _ requests: inout ResendRequests, _ milliseconds: UInt64, trip: UInt64? = 40_000,
    patience: UInt64 = 140
  ) -> [UInt16] {
    let request = requests.take(
      at: instant(milliseconds), roundTripMicroseconds: trip, patienceMilliseconds: patience)
    guard let request else { return [] }
    let bytes = written { writer in
      RtcpWriter.nack(
        from: 1, about: 2, request: request, name: CanonicalName("martlet"), to: &writer)
    }
    guard let parts = parts(bytes), parts.count == 3, case .nack(let nack) = parts[2] else {
      Issue.record("not an RR, an SDES and a NACK")
      return []
    }
    guard case .receiverReport(1, let blocks) = parts[0], blocks.count == 0 else {
      Issue.record("the report is not empty")
      return []
    }
    #expect(nack.sender == 1 && nack.media == 2)
    var numbers: [UInt16] = []
    unsafe nack.forEach(of: bytes.span.bytes, limit: 68) { numbers.append($0) }
    return numbers
  }

  @discardableResult
  private func note(
    _ requests: inout ResendRequests, _ number: UInt16, _ milliseconds: UInt64,
    isReordering: Bool = false
  ) -> Bool {
    requests.note(number, isReordering: isReordering, at: instant(milliseconds))
  }

  @Test func `a hole is asked for at once, and again after a round trip, three times`() {
    var requests = ResendRequests()
    note(&requests, 65_534, 0)
    #expect(requests.deadline == .never)
    note(&requests, 2, 20)
    #expect(requests.deadline == instant(20))
    #expect(take(&requests, 20) == [65_535, 0, 1])
    #expect(requests.deadline == instant(70))
    #expect(take(&requests, 69) == [])
    #expect(take(&requests, 70) == [65_535, 0, 1])
    // A third one would be answered too late.
    #expect(take(&requests, 125) == [])
    #expect(requests.deadline == .never)
    #expect(requests.askedPackets == 3)
    var quick = ResendRequests()
    note(&quick, 1, 0)
    note(&quick, 3, 20)
    let asked = (20..<300).flatMap { take(&quick, $0, trip: 5_000) }
    #expect(asked == [2, 2, 2])
  }

  @Test func `where packets overtake each other a hole is given 20 ms`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 3, 20, isReordering: true)
    #expect(take(&requests, 39) == [])
    #expect(!note(&requests, 2, 39), "it was not asked for")
    #expect(requests.deadline == .never)
    note(&requests, 5, 60, isReordering: true)
    #expect(take(&requests, 80) == [4])
    #expect(requests.askedPackets == 1 && requests.answeredPackets == 0)
  }

  @Test func `answers that come much too late end the asking, however often was asked`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 3, 20)
    #expect((20..<200).flatMap { take(&requests, $0, trip: nil) } == [2, 2])
    #expect(requests.roundTripMicroseconds(at: instant(200)) == nil)
    #expect(note(&requests, 2, 700))
    let trip = requests.roundTripMicroseconds(at: instant(700))
    #expect(trip ?? 0 > ResendRequests.roundTripMicrosecondsMax)
    note(&requests, 5, 720)
    #expect(take(&requests, 720, trip: trip) == [])
  }

  @Test func `of a row that comes by and by the quickest answer counts`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 10, 180)
    #expect(take(&requests, 180) == Array(2...9))
    #expect(note(&requests, 2, 221))
    #expect(note(&requests, 3, 221))
    #expect(note(&requests, 4, 420))
    #expect(note(&requests, 5, 700))
    #expect(requests.roundTripMicroseconds(at: instant(700)) == 41_000)
    #expect(note(&requests, 6, 1_900), "asked for with the quick ones")
    #expect(requests.roundTripMicroseconds(at: instant(1_900)) == 41_000)
    note(&requests, 12, 2_000)
    #expect(take(&requests, 2_000) == [11])
    #expect(note(&requests, 11, 2_300), "late, with nothing quick for two seconds")
    let trip = requests.roundTripMicroseconds(at: instant(2_300))
    #expect(trip ?? 0 > ResendRequests.roundTripMicrosecondsMax)
  }

  @Test func `answers are known, and timed`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 4, 20)
    #expect(take(&requests, 20) == [2, 3])
    #expect(requests.hasAsked(for: 2) && !requests.hasAsked(for: 4))
    #expect(note(&requests, 3, 63))
    #expect(requests.roundTripMicroseconds(at: instant(63)) == 43_000)
    #expect(take(&requests, 70) == [2])
    #expect(note(&requests, 2, 113))
    // Of two requests nobody knows which one was answered.
    #expect(requests.roundTripMicroseconds(at: instant(113)) == 43_000)
    #expect(requests.answeredPackets == 2)
    #expect(requests.hasAsked(for: 2), "a second copy is known as well")
    #expect(requests.roundTripMicroseconds(at: instant(20_000)) == nil)
  }

  @Test func `a long way is not asked for, an unknown one is`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 3, 20)
    #expect(take(&requests, 20, trip: 100_000) == [])
    #expect(requests.deadline == .never)
    note(&requests, 5, 40)
    #expect(take(&requests, 40, trip: nil) == [4])
  }

  @Test func `who never answers is not waited for after ten seconds`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    #expect(requests.isAnswered(at: instant(60_000)), "nothing was asked for")
    note(&requests, 3, 60_000)
    _ = take(&requests, 60_000)
    #expect(requests.isAnswered(at: instant(69_999)))
    #expect(!requests.isAnswered(at: instant(70_000)))
    note(&requests, 5, 71_000)
    _ = take(&requests, 71_000)
    #expect(!requests.isAnswered(at: instant(71_000)))
    note(&requests, 4, 71_040)
    #expect(requests.isAnswered(at: instant(90_000)))
  }

  @Test func `what came with another packet is not asked for`() {
    var requests = ResendRequests()
    note(&requests, 1, 0)
    note(&requests, 4, 20)
    requests.noteRestored(3)
    #expect(take(&requests, 20) == [2])
    requests.noteRestored(2)
    #expect(requests.deadline == .never)
    #expect(note(&requests, 2, 60), "asked for all the same")
    #expect(!note(&requests, 3, 60))
  }

  @Test func `a large hole is bounded, a jump is a new stream`() {
    var requests = ResendRequests()
    note(&requests, 10, 0)
    note(&requests, 500, 20)
    #expect(take(&requests, 20) == Array(468...499))
    note(&requests, 2_000, 40)
    #expect(requests.deadline == .never)
    note(&requests, 2_002, 60)
    #expect(take(&requests, 60) == [2_001])
    note(&requests, 100, 80)
    note(&requests, 102, 100)
    #expect(take(&requests, 100) == [101])
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `any numbers are safe, and what is asked for lies in the window`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var requests = ResendRequests()
    var newest: UInt16 = 65_000
    var asked = 0
    for step in 0..<20_000 as Range<UInt64> {
      switch random.next() % 40 {
      case 0: newest = UInt16(truncatingIfNeeded: random.next())
      case 1: newest &-= UInt16(random.next() % 80)
      case 2: newest &+= UInt16(random.next() % 80)
      default: newest &+= UInt16(random.next() % 3)
      }
      note(&requests, newest, step * 7, isReordering: random.next() % 2 == 0)
      let numbers = take(&requests, step * 7, trip: random.next() % 120_000)
      asked += numbers.count
      #expect(numbers.count <= ResendRequests.missingMax)
      #expect(Set(numbers).count == numbers.count)
    }
    #expect(asked > 1_000)
  }
}
