package import Wire

/// The numbers of one generic NACK: first ones and, by bits, the 16 that follow each (RFC 4585,
/// section 6.2.1). Bounded: what `ResendRequests` can miss at a time fits.
package struct ResendRequest: Sendable, BitwiseCopyable {
  private var firsts = [4 of UInt16](repeating: 0)
  private var following = [4 of UInt16](repeating: 0)
  /// 0...`entriesMax`; each takes 32 bits of the packet.
  package private(set) var entryCount = 0

  /// Entries that any request has at most: 64 numbers by 17.
  package static let entriesMax = 4

  /// Empty: not to be sent as it is.
  package init() {}

  /// A NACK has at least one entry (RFC 4585, section 6.2.1): what is empty must not be sent.
  package var isEmpty: Bool { entryCount == 0 }

  /// Entry `index`, 0..<entryCount: a number, and a bit for each of the next 16.
  package func entry(_ index: Int) -> (first: UInt16, following: UInt16) {
    precondition(index >= 0 && index < entryCount, "no such entry")
    return (firsts[index], following[index])
  }

  /// Numbers must come in rising order, and lie within 64 of the first.
  package mutating func append(_ number: UInt16) {
    if entryCount > 0 {
      let step = number &- firsts[entryCount - 1]
      if step <= 16 {
        if step > 0 { following[entryCount - 1] |= 1 << (step - 1) }
        return
      }
    }
    precondition(entryCount < Self.entriesMax, "numbers too far apart")
    firsts[entryCount] = number
    entryCount += 1
  }
}

/// Which packets of one source are missing, and when to ask for them again (RFC 4585, section
/// 6.2.1, generic NACK).
///
/// A struct of numbers: at most `missingMax` of the last `windowSize`, no allocation. Feed it only
/// what SRTP has authenticated.
package struct ResendRequests: Sendable {
  /// Numbers that were asked for, each once however often.
  package private(set) var askedPackets: UInt64 = 0
  /// Of those, the ones that came.
  package private(set) var answeredPackets: UInt64 = 0
  /// When `take` wants to be called next.
  package private(set) var deadline = Instant.never

  private struct Missing: BitwiseCopyable {
    var number: UInt16 = 0
    var tries: UInt8 = 0
    /// Still wanted; it is kept beyond that, to know what comes late.
    var isOpen = false
    var seen = Instant(nanoseconds: 0)
    var asked = Instant(nanoseconds: 0)
    var next = Instant.never
  }

  private var missing = [32 of Missing](repeating: Missing())
  private var count = 0
  private var highest: UInt16?
  private var measured: (microseconds: UInt64, at: Instant)?
  /// When the first request was sent that nothing has answered, nor any later one.
  private var unanswered: Instant?

  /// Packets that are missed at a time; with one more, the oldest is given up.
  package static let missingMax = 32
  /// Sequence numbers up to the newest. What is missing before them is given up.
  package static let windowSize: UInt16 = 64
  private static let triesMax: UInt8 = 3
  /// A jump of more is a new stream.
  private static let jumpMax = 1_000
  /// Where packets overtake each other a hole may close by itself.
  private static let reorderMilliseconds: UInt64 = 20
  /// A copy that takes longer is worth no request.
  package static let roundTripMicrosecondsMax: UInt64 = 100_000
  private static let roundTripMicrosecondsUsual: UInt64 = 60_000
  private static let memoryMilliseconds: UInt64 = 10_000
  private static let momentMilliseconds: UInt64 = 1_000

  /// Nothing is missing before the second packet: with the first the count begins.
  package init() {}

  /// Takes note of a packet that came at `now`; true when it had been asked for. `isReordering`:
  /// packets have overtaken each other lately.
  package mutating func note(_ number: UInt16, isReordering: Bool, at now: Instant) -> Bool {
    guard let highest else {
      self.highest = number
      return false
    }
    let ahead = Int(Int16(bitPattern: number &- highest))
    guard abs(ahead) <= Self.jumpMax else {
      restart()
      self.highest = number
      return false
    }
    guard ahead > 0 else { return noteLate(number, at: now) }
    self.highest = number
    forget(before: number &- (Self.windowSize - 1))
    let gap = UInt16(min(ahead - 1, Self.missingMax))
    for back in stride(from: gap, to: 0, by: -1) {
      add(number &- back, isReordering: isReordering, at: now)
    }
    return false
  }

  /// A packet is not wanted any more: its sound came with another one.
  package mutating func noteRestored(_ number: UInt16) {
    guard let index = index(of: number), missing[index].isOpen else { return }
    missing[index].isOpen = false
    updateDeadline()
  }

  /// Whether `number` was asked for, and lies not far back.
  package func hasAsked(for number: UInt16) -> Bool {
    index(of: number).map { missing[$0].tries > 0 } ?? false
  }

  /// Forgets what was missing: another source, another count.
  package mutating func restart() {
    count = 0
    highest = nil
    deadline = .never
  }

  /// What is to be asked for at `now`; nil when that is nothing. A number is asked for up to three
  /// times, as long as an answer would come within `patienceMilliseconds` after it was missed.
  package mutating func take(
    at now: Instant, roundTripMicroseconds: UInt64?, patienceMilliseconds: UInt64
  ) -> ResendRequest? {
    guard now >= deadline else { return nil }
    let trip = roundTripMicroseconds ?? Self.roundTripMicrosecondsUsual
    let isWorth = trip < Self.roundTripMicrosecondsMax
    var request = ResendRequest()
    for index in 0..<count where missing[index].isOpen && missing[index].next <= now {
      let age = now.nanoseconds(since: missing[index].seen) / 1_000
      guard isWorth, age + trip <= patienceMilliseconds * 1_000 else {
        missing[index].isOpen = false
        continue
      }
      request.append(missing[index].number)
      noteAsked(index, intervalMilliseconds: max(trip / 1_000 + 10, 30), at: now)
    }
    updateDeadline()
    return request.isEmpty ? nil : request
  }

  /// The round trip of requests that were answered lately, in microseconds; nil when none was.
  package func roundTripMicroseconds(at now: Instant) -> UInt64? {
    guard let measured, now.milliseconds(since: measured.at) < Self.memoryMilliseconds else {
      return nil
    }
    return measured.microseconds
  }

  /// Who sends does answer, or nothing says the contrary: nothing was asked for, or not for long.
  package func isAnswered(at now: Instant) -> Bool {
    unanswered.map { now.milliseconds(since: $0) < Self.memoryMilliseconds } ?? true
  }
}

extension ResendRequests {
  private mutating func noteLate(_ number: UInt16, at now: Instant) -> Bool {
    guard let index = index(of: number) else { return false }
    let entry = missing[index]
    missing[index].isOpen = false
    updateDeadline()
    guard entry.tries > 0 else { return false }
    answeredPackets += 1
    unanswered = nil
    // Of several requests nothing tells which one was answered: the last one, at best.
    let trip = now.nanoseconds(since: entry.asked) / 1_000
    if entry.tries == 1 || trip > Self.roundTripMicrosecondsMax {
      measure(trip, asked: entry.asked, at: now)
    }
    return true
  }

  /// Of a row that was asked for at once browsers send the first packets at once and the rest by
  /// and by: the quickest of a moment tells of the path, and of what was asked for before it.
  private mutating func measure(_ trip: UInt64, asked: Instant, at now: Instant) {
    if let measured, trip > measured.microseconds,
      asked < measured.at || now.milliseconds(since: measured.at) < Self.momentMilliseconds
    {
      return
    }
    measured = (trip, now)
  }

  private mutating func noteAsked(
    _ index: Int, intervalMilliseconds: UInt64, at now: Instant
  ) {
    if missing[index].tries == 0 { askedPackets += 1 }
    if unanswered == nil { unanswered = now }
    missing[index].tries += 1
    missing[index].asked = now
    missing[index].next =
      missing[index].tries < Self.triesMax
      ? now.advanced(byMilliseconds: intervalMilliseconds) : .never
  }

  private mutating func add(_ number: UInt16, isReordering: Bool, at now: Instant) {
    if count == Self.missingMax { removeFirst(1) }
    let delay = isReordering ? Self.reorderMilliseconds : 0
    let next = now.advanced(byMilliseconds: delay)
    missing[count] = Missing(number: number, isOpen: true, seen: now, next: next)
    count += 1
    deadline = min(deadline, next)
  }

  private mutating func forget(before number: UInt16) {
    var old = 0
    while old < count, Int16(bitPattern: missing[old].number &- number) < 0 { old += 1 }
    if old > 0 { removeFirst(old) }
  }

  private mutating func removeFirst(_ number: Int) {
    for index in number..<count { missing[index - number] = missing[index] }
    count -= number
    updateDeadline()
  }

  private func index(of number: UInt16) -> Int? {
    for index in 0..<count where missing[index].number == number { return index }
    return nil
  }

  private mutating func updateDeadline() {
    deadline = .never
    for index in 0..<count where missing[index].isOpen {
      deadline = min(deadline, missing[index].next)
    }
  }
}
