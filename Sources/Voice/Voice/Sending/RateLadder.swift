import Wire

/// Bits and packet lengths for paths that are too narrow for the best, and the way down and up.
///
/// Longer packets first: on a narrow path headers cost more than voice. A struct of numbers.
struct RateLadder: Sendable {
  struct Rung: Hashable, Sendable {
    var bitsPerSecond: Int32
    var packetMilliseconds: Int
  }

  /// What may be sent, the best first; never empty.
  private var rungs: [6 of Rung]
  private var rungCount: Int
  /// Bytes of each packet beside Opus, the IP header included.
  private let overheadByteCount: Int
  private(set) var place = 0
  private(set) var narrowings: UInt64 = 0
  private var lastChange = Instant(nanoseconds: 0)
  private var nextTrial = Instant(nanoseconds: 0)
  /// Nothing is judged before: what was sent until then is still in the queue.
  private var waitsUntil = Instant(nanoseconds: 0)
  private var trial: (start: Instant, standing: Int)?
  /// Where to go when the queue is gone, for which one rung more was left.
  private var target: Int?
  /// What the path carried when it was found too narrow, in bits per second.
  private var carried: Int?
  /// The queue of about a second ago, in milliseconds, and whether it has become shorter since.
  private var before: (standing: Int, at: Instant)?
  private var isFalling = false
  private var failedTrials: UInt64 = 0

  /// A queue that is longer than this, and stands, is too much.
  private static let standingMillisecondsMax = 60
  /// At the start of a call, of whose path nothing is known, it is found out sooner: what browsers
  /// see late then they hold back for half a minute.
  private static let startMillisecondsMax = 40
  private static let startTenths = 4
  /// A queue stands when none of so many packets in a row went without it.
  private static let packetsInRow = 15
  /// A change shows only when the queue had the time to fall; while it falls, all is well.
  private static let settleMilliseconds: UInt64 = 1_500
  private static let waitMilliseconds: UInt64 = 1_000
  private static let fallMilliseconds = 15
  private static let lookMilliseconds: UInt64 = 1_000
  private static let trialMilliseconds: UInt64 = 2_000
  private static let trialRiseMilliseconds = 30
  private static let trialTenths = 3
  /// From the last change to the next try of more; twice as long after each that failed.
  private static let restMilliseconds: UInt64 = 10_000
  private static let restDoublingsMax: UInt64 = 3
  /// The same without feedback on packets.
  private static let blindRestMilliseconds: UInt64 = 30_000
  /// What is more than the path carried when it was full is tried seldom: each try makes a queue,
  /// and browsers hold back what they hear for half a minute after it.
  private static let boldRestMilliseconds: UInt64 = 45_000
  /// What the path carried has some room to it.
  private static let usedPercent = 92

  init(_ limits: OpusSettings, overheadByteCount: Int) {
    self.overheadByteCount = overheadByteCount
    let best = min(limits.bitsPerSecond, limits.bitsPerSecondMax)
    rungs = [
      Rung(bitsPerSecond: best, packetMilliseconds: 20),
      Rung(bitsPerSecond: min(best, 40_000), packetMilliseconds: 20),
      Rung(bitsPerSecond: min(best, 32_000), packetMilliseconds: 40),
      Rung(bitsPerSecond: min(best, 24_000), packetMilliseconds: 40),
      Rung(bitsPerSecond: min(best, 20_000), packetMilliseconds: 60),
      Rung(bitsPerSecond: min(best, 16_000), packetMilliseconds: 60),
    ]
    rungCount = rungs.count
    for index in 0..<rungCount {
      rungs[index].packetMilliseconds = min(
        rungs[index].packetMilliseconds, limits.packetMillisecondsMax / 20 * 20)
    }
    if let wire = limits.wireBitsPerSecondMax { keep(within: Int(wire)) }
  }

  var rung: Rung { rungs[place] }
  /// What a call begins with when each packet will be told of: so little beside the headers that a
  /// narrow path is noticed before its queue is long.
  var startRung: Rung { rungs[min(2, rungCount - 1)] }
  /// The path takes all that there is to send.
  var isFull: Bool { place == 0 }
  /// Whether the path takes the rung is being found out.
  var isTrying: Bool { trial != nil }

  /// What a rung takes on the wire, in bits per second.
  func wireBitsPerSecond(_ rung: Rung) -> Int {
    Int(rung.bitsPerSecond) + overheadByteCount * 8_000 / rung.packetMilliseconds
  }

  /// The client has set a limit for all that it is sent.
  private mutating func keep(within wire: Int) {
    for index in 0..<rungCount {
      let headers = wireBitsPerSecond(rungs[index]) - Int(rungs[index].bitsPerSecond)
      let allowed = max(OpusSettings.bitsPerSecondMin, Int32(clamping: wire - headers))
      rungs[index].bitsPerSecond = min(rungs[index].bitsPerSecond, allowed)
    }
    // Where the limit leaves next to nothing beside the headers, longer packets are the better.
    var best = 0
    for index in 1..<rungCount {
      let hasMore = rungs[index].bitsPerSecond > rungs[best].bitsPerSecond
      if hasMore || wireBitsPerSecond(rungs[best]) > wire { best = index }
    }
    for index in best..<rungCount { rungs[index - best] = rungs[index] }
    rungCount -= best
  }

  // MARK: With feedback on each packet

  /// A queue stands that is too long for what is sent.
  func isOverfull(_ queue: QueueMeter) -> Bool {
    let transit = queue.standingMilliseconds(tenths: windowTenths) ?? 0
    return transit - ownMilliseconds > Self.standingMillisecondsMax
  }

  /// Something else than a rung was changed at `now`: what that does is waited for.
  mutating func wait(at now: Instant) {
    waitsUntil = now.advanced(byMilliseconds: Self.waitMilliseconds)
    lastChange = now
    (before, isFalling) = (nil, false)
  }

  /// Judges what `queue` shows at `now`; `isStart` before anything good was heard of the path.
  mutating func judge(_ queue: QueueMeter, isStart: Bool, at now: Instant) {
    guard now >= waitsUntil else { return }
    // A trial that is ended for no good reason costs little.
    let isStart = isStart && narrowings == 0
    let tenths =
      isStart ? Self.startTenths : trial == nil ? windowTenths : min(windowTenths, Self.trialTenths)
    guard let transit = queue.standingMilliseconds(tenths: tenths) else { return }
    let standing = transit - ownMilliseconds
    noteFall(standing, at: now)
    if trial != nil { return judgeTrial(standing, at: now) }
    if standing > (isStart ? Self.startMillisecondsMax : Self.standingMillisecondsMax) {
      if !isFalling { narrow(to: queue.carriedBitsPerSecond, at: now) }
    } else if standing < Self.standingMillisecondsMax / 2 {
      if let target, target < place {
        self.target = nil
        place = target
        lastChange = now
        rest(at: now)
      } else if place > 0, now >= nextTrial {
        place -= 1
        trial = (now, transit - ownMilliseconds)
        lastChange = now
      }
    }
  }

  private mutating func judgeTrial(_ standing: Int, at now: Instant) {
    guard let trial else { return }
    if standing - trial.standing > Self.trialRiseMilliseconds {
      failedTrials += 1
      self.trial = nil
      move(to: place + 1, at: now)
    } else if now.milliseconds(since: trial.start) >= Self.trialMilliseconds {
      self.trial = nil
      failedTrials = 0
      carried = max(carried ?? 0, wireBitsPerSecond(rung))
      rest(at: now)
    }
  }

  private mutating func noteFall(_ standing: Int, at now: Instant) {
    if let before {
      guard now.milliseconds(since: before.at) >= Self.lookMilliseconds else { return }
      isFalling = standing < before.standing - Self.fallMilliseconds
    }
    before = (standing, now)
  }

  /// What a packet takes by itself to pass the narrow place: no queue, though the shorter packets
  /// before were quicker.
  private var ownMilliseconds: Int {
    guard let carried, carried > 0 else { return 0 }
    let own = wireBitsPerSecond(rung) * rung.packetMilliseconds / carried
    return min(own, rung.packetMilliseconds)
  }

  /// Tenths of a second in which there are `packetsInRow`, a second at most.
  private var windowTenths: Int {
    min(10, Self.packetsInRow * rung.packetMilliseconds / 100)
  }

  /// Down to what the path carries, and for a while to less, so that the queue goes.
  private mutating func narrow(to carried: Int?, at now: Instant) {
    let settled = max(lastChange, waitsUntil)
    guard now.milliseconds(since: settled) >= Self.settleMilliseconds else { return }
    guard let carried, place + 1 < rungCount else { return }
    var wanted = place + 1
    while wanted + 1 < rungCount,
      wireBitsPerSecond(rungs[wanted]) * 100 > carried * Self.usedPercent
    {
      wanted += 1
    }
    narrowings += 1
    self.carried = carried
    move(to: wanted + 1, at: now)
    target = wanted
  }

  private mutating func move(to wanted: Int, at now: Instant) {
    place = min(wanted, rungCount - 1)
    target = nil
    (before, isFalling) = (nil, false)
    lastChange = now
    rest(at: now)
  }

  private mutating func rest(at now: Instant) {
    let isBold = place > 0 && wireBitsPerSecond(rungs[place - 1]) > carried ?? .max
    let rest = isBold ? Self.boldRestMilliseconds : Self.restMilliseconds
    nextTrial = now.advanced(byMilliseconds: rest << min(failedTrials, Self.restDoublingsMax))
  }

  // MARK: With reports alone

  /// Two rungs down: there is loss, and the round trip has risen with it.
  mutating func narrowBlindly(at now: Instant) {
    guard place + 1 < rungCount else { return }
    guard now.milliseconds(since: lastChange) >= Self.settleMilliseconds else { return }
    narrowings += 1
    place = min(place + 2, rungCount - 1)
    lastChange = now
  }

  /// One rung up, when nothing was wrong for long.
  mutating func widenBlindly(at now: Instant) {
    guard place > 0, now.milliseconds(since: lastChange) >= Self.blindRestMilliseconds else {
      return
    }
    place -= 1
    lastChange = now
  }
}
