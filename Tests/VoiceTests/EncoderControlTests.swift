import Rtp
import Testing
import Wire

@testable import Voice

/// A receiver with transport-wide feedback each 250 ms, on a network that a test describes.
struct FeedbackPath: ~Copyable {
  var control: EncoderControl
  var budget = EncodingBudget.unlimited
  var now = Instant(nanoseconds: 5_000_000_000)
  var plan = EncodingPlan()
  /// Plans in the order in which they changed.
  var plans: [EncodingPlan] = []
  /// Whether the sound is quiet at a packet.
  var isPause: (Int) -> Bool = { $0 % 50 < 5 }
  private var waiting: [(number: UInt16, arrival: UInt64?)] = []
  private var packetCount = 0
  /// Tells nothing of what was lost before the first that came, as Pion does.
  var skipsBorders = false
  /// What does not come in its turn is asked for 40 ms later, and sent again.
  var asks = false
  var askMilliseconds: UInt64 = 60
  var feedbackMilliseconds: UInt64 = 250
  private var requests: [(number: UInt16, at: Instant)] = []
  private var messageNumber: UInt8 = 0
  private var firstUntold = 0
  private var lastTold: UInt64 = 0
  private var nextFeedback = Instant(nanoseconds: 5_250_000_000)
  private let overhead = 64
  /// Bits per second that the path carries, and when what is in its queue has gone.
  var capacity: Double?
  private var queueEnd: Double = 0
  var queueMillisecondsMax = 0.0

  init(settings: OpusSettings = OpusSettings(), takesCopies: Bool = false) {
    control = EncoderControl(
      settings, takesCopies: takesCopies, wantsFeedback: true, overheadByteCount: 64)
  }

  /// Sends for `seconds`; `network` gets the number of a packet and says how late it comes, in
  /// milliseconds, nil for never.
  mutating func run(seconds: Double, network: (Int) -> Double? = { _ in 20 }) {
    let end = now.advanced(byNanoseconds: UInt64(seconds * 1e9))
    while now < end {
      let next = control.plan(at: now, isPause: isPause(packetCount), budget: &budget)
      if next != plan || plans.isEmpty { plans.append(next) }
      plan = next
      while let request = requests.first, request.at <= now {
        control.noteRequest(sequenceNumber: request.number, at: requests.removeFirst().at)
      }
      send(network)
      now = now.advanced(byMilliseconds: UInt64(plan.packetMilliseconds))
      if now >= nextFeedback { tell() }
    }
  }

  private mutating func send(_ network: (Int) -> Double?) {
    let copy = plan.carriesCopy ? 2 : 1
    let bytes = Int(plan.bitsPerSecond) * plan.packetMilliseconds / 8_000 * copy + overhead
    let number = control.nextTransportNumber
    control.noteSent(sequenceNumber: number &+ 7, byteCount: bytes, at: now)
    var delay = network(packetCount)
    packetCount += 1
    if let capacity, let network = delay {
      let start = max(queueEnd, Double(now.nanoseconds))
      let done = start + Double(bytes * 8) / capacity * 1e9
      let wait = (done - Double(now.nanoseconds)) / 1e6
      queueMillisecondsMax = max(queueMillisecondsMax, wait)
      if wait < 600 {
        queueEnd = done
        delay = network + wait
      } else {
        delay = nil
      }
    }
    if asks, delay ?? .infinity > 40 {
      requests.append((number &+ 7, now.advanced(byMilliseconds: askMilliseconds)))
      delay = delay ?? 80
    }
    let arrival = delay.map { now.nanoseconds + UInt64($0 * 1e6) }
    waiting.append((number, arrival))
  }

  /// What has come since the last time, as Chromium tells it: from the first packet of these to the
  /// last, and what came before between them once more.
  private mutating func tell() {
    let moment = now.nanoseconds
    func isNew(_ packet: (number: UInt16, arrival: UInt64?)) -> Bool {
      packet.arrival.map { $0 <= moment && $0 > lastTold } ?? false
    }
    defer { lastTold = moment }
    nextFeedback = now.advanced(byMilliseconds: feedbackMilliseconds)
    guard let last = waiting.lastIndex(where: isNew),
      let newest = waiting.firstIndex(where: isNew)
    else { return }
    let first = skipsBorders ? newest : min(newest, firstUntold)
    messageNumber &+= 1
    let told = waiting[first...last].map { packet in
      packet.arrival.flatMap { $0 <= moment ? $0 / 1_000 : nil }
    }
    firstUntold = max(firstUntold, last + 1)
    let bytes = FeedbackBytes.make(
      first: waiting[first].number, arrivals: told, number: messageNumber)
    guard case .compound(let compound) = unsafe RtcpCompound.parse(bytes.span.bytes),
      case .transportFeedback(let feedback)? = unsafe compound.part(of: bytes.span.bytes, at: 0)?
        .part
    else { return }
    unsafe control.note(feedback, of: bytes.span.bytes, at: now)
  }
}

/// Transport-wide feedback as bytes, with two-bit vectors and deltas of two bytes.
enum FeedbackBytes {
  static func make(first: UInt16, arrivals: [UInt64?], number: UInt8 = 0) -> [UInt8] {
    let reference = (arrivals.compactMap { $0 }.first ?? 0) / 64_000
    var chunks: [UInt8] = []
    for start in stride(from: 0, to: arrivals.count, by: 7) {
      var bits: UInt16 = 0xC000
      for index in start..<min(start + 7, arrivals.count) where arrivals[index] != nil {
        bits |= 2 << UInt16(12 - 2 * (index - start))
      }
      chunks += [UInt8(bits >> 8), UInt8(bits & 0xFF)]
    }
    var deltas: [UInt8] = []
    var before = Int64(reference * 64_000)
    for arrival in arrivals {
      guard let arrival else { continue }
      let step = (Int64(arrival) - before) / 250
      before += step * 250
      let delta = UInt16(bitPattern: Int16(clamping: step))
      deltas += [UInt8(delta >> 8), UInt8(delta & 0xFF)]
    }
    var bytes: [UInt8] = [0x8F, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    bytes += [UInt8(first >> 8), UInt8(first & 0xFF)]
    bytes += [UInt8(arrivals.count >> 8), UInt8(arrivals.count & 0xFF)]
    bytes += [UInt8(reference >> 16 & 0xFF), UInt8(reference >> 8 & 0xFF), UInt8(reference & 0xFF)]
    bytes += [number] + chunks + deltas
    // As libwebrtc fills it up.
    let padding = (4 - bytes.count % 4) % 4
    bytes += [UInt8](repeating: 0, count: padding)
    if padding > 0 {
      bytes[0] |= 0x20
      bytes[bytes.count - 1] = UInt8(padding)
    }
    let words = bytes.count / 4 - 1
    bytes[2] = UInt8(words >> 8)
    bytes[3] = UInt8(words & 0xFF)
    return bytes
  }
}

@Suite struct EncoderControlTests {
  @Test func `a good network has the full rate after the first good news`() {
    var path = FeedbackPath()
    path.run(seconds: 20)
    #expect(path.plans.map(\.bitsPerSecond) == [32_000, 64_000])
    #expect(path.plans.map(\.packetMilliseconds) == [40, 20])
    #expect(path.plans.allSatisfy { $0.coder == .celt })
    #expect(path.control.coderChanges == 0)
  }

  @Test func `without any news it stays careful`() {
    var control = EncoderControl(
      OpusSettings(), takesCopies: true, wantsFeedback: false, overheadByteCount: 64)
    var budget = EncodingBudget.unlimited
    for second in 0..<60 as Range<UInt64> {
      let plan = control.plan(
        at: Instant(nanoseconds: second * 1_000_000_000), isPause: true, budget: &budget)
      #expect(plan == EncodingPlan())
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `below three per cent each packet repeats the one before it, where that is taken`(
    seed: UInt64
  ) {
    for takesCopies in [true, false] {
      var random = SeededRandom(seed: seed)
      var path = FeedbackPath(takesCopies: takesCopies)
      path.run(seconds: 3)
      path.run(seconds: 60) { _ in random.next() % 100 == 0 ? nil : 20 }
      #expect(path.plan.carriesCopy == takesCopies)
      #expect(path.plan.packetMilliseconds == 20)
      if takesCopies, path.plan.coder == .celt { #expect(path.plan.bitsPerSecond == 64_000) }
      #expect(path.control.coderChanges <= 1)
    }
  }

  @Test(arguments: [5, 10, 20] as [UInt64])
  func `from three per cent on speech has in-band redundancy`(percent: UInt64) {
    var random = SeededRandom(seed: percent)
    var path = FeedbackPath()
    path.run(seconds: 3)
    path.run(seconds: 30) { _ in random.next() % 100 < percent ? nil : 20 }
    #expect(path.plan.coder == .silk)
    #expect(path.plan.bitsPerSecond == 40_000)
    #expect(path.plan.lossPercent > Int32(percent) / 2)
    #expect(!path.plan.carriesCopy)
    #expect(path.control.coderChanges == 1)
    // Twenty seconds after the last loss it is over.
    path.run(seconds: 19)
    #expect(path.plan.coder == .silk)
    path.run(seconds: 4)
    #expect(path.plan.coder == .celt)
    #expect(path.plan.bitsPerSecond == 64_000)
  }

  @Test func `copies and in-band redundancy share the work`() {
    var random = SeededRandom(seed: 4)
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 3)
    path.run(seconds: 30) { _ in random.next() % 100 < 20 ? nil : 20 }
    #expect(path.plan.coder == .silk)
    #expect(path.plan.carriesCopy)
    #expect(path.plan.bitsPerSecond == 36_000)
    #expect(2...7 ~= path.plan.lossPercent, "what copies leave: 4 %")
  }

  @Test func `a stray loss each ten seconds changes next to nothing`() {
    for takesCopies in [true, false] {
      var path = FeedbackPath(takesCopies: takesCopies)
      path.run(seconds: 120) { $0 % 500 == 250 ? nil : 20 }
      #expect(path.control.coderChanges <= 2)
      #expect(path.plans.count <= 4)
    }
  }

  @Test func `losses between two messages count, though neither tells of them`() {
    for skipsBorders in [true, false] {
      var path = FeedbackPath()
      path.skipsBorders = skipsBorders
      path.run(seconds: 20) { $0 % 12 == 0 ? nil : 20 }
      #expect(7.5...9 ~= path.control.lossPercent(at: path.now))
    }
  }

  @Test func `a late packet is no loss`() {
    var random = SeededRandom(seed: 8)
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 60) { _ in random.next() % 100 < 3 ? 80 : 20 }
    #expect(path.control.lossPercent(at: path.now) < 0.5)
    #expect(path.control.coderChanges == 0)
  }

  @Test func `what comes because it was asked for was lost, what comes before that was late`() {
    for (delay, percent) in [(nil, 4...6), (70, 0...0.5)] as [(Double?, ClosedRange<Double>)] {
      var path = FeedbackPath(takesCopies: true)
      path.asks = true
      path.run(seconds: 60) { $0 % 20 == 7 ? delay : 20 }
      let found = path.control.lossPercent(at: path.now)
      #expect(percent.contains(found), "\(found) %")
    }
  }

  @Test func `what was given up and comes all the same was late`() {
    var path = FeedbackPath(takesCopies: true)
    path.asks = true
    path.askMilliseconds = 160
    path.feedbackMilliseconds = 50
    path.run(seconds: 60) { $0 % 20 == 7 ? 170 : 20 }
    #expect(path.control.lossPercent(at: path.now) < 0.5)
  }

  @Test func `reports of any numbers are counted, and trap nothing`() {
    var control = EncoderControl(
      OpusSettings(), takesCopies: true, wantsFeedback: false, overheadByteCount: 64)
    var budget = EncodingBudget.unlimited
    let now = Instant(nanoseconds: 9_000_000_000)
    var highest: UInt32 = 1
    for _ in 0..<140_000 {
      highest &+= 32_767
      let block = ReportBlock(ssrc: 1, fractionLost: 255, highestSequence: highest)
      control.note(block, roundTripMicroseconds: nil, at: now)
    }
    #expect(control.plan(at: now, isPause: true, budget: &budget).coder == .silk)
    #expect(90...100 ~= control.lossPercent(at: now))
  }

  @Test(arguments: [30_000, 40_000, 60_000, 75_000] as [Double])
  func `a narrow path is filled and not flooded`(capacity: Double) {
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 3)
    path.capacity = capacity
    path.run(seconds: 7)
    path.queueMillisecondsMax = 0
    path.run(seconds: 60)
    #expect(path.queueMillisecondsMax < 200, "\(path.queueMillisecondsMax) ms of queue")
    let wire = Double(path.plan.bitsPerSecond) + 64 * 8_000 / Double(path.plan.packetMilliseconds)
    #expect(wire <= capacity * 1.25 && wire > 0.45 * capacity, "\(wire) bit/s")
    #expect(path.control.narrowings >= 1)
    path.capacity = nil
    path.run(seconds: 500)
    #expect(path.plan.bitsPerSecond == 64_000)
    #expect(path.plan.packetMilliseconds == 20)
  }

  @Test(arguments: [40_000, 60_000] as [Double])
  func `a path that is narrow from the start hardly ever has a queue`(capacity: Double) {
    var path = FeedbackPath()
    path.capacity = capacity
    path.run(seconds: 20)
    #expect(path.queueMillisecondsMax < (capacity > 50_000 ? 300 : 200))
    #expect(path.plan.bitsPerSecond >= 20_000)
  }

  @Test func `a queue that comes and goes is no narrow path`() {
    var path = FeedbackPath()
    path.run(seconds: 60) { number in
      let phase = number % 250
      return phase < 15 ? 20 + Double(15 - phase) * 20 : 20
    }
    var random = SeededRandom(seed: 3)
    path.run(seconds: 60) { _ in 20 + Double(random.next() % 100) }
    #expect(path.control.narrowings == 0)
    #expect(path.plan.bitsPerSecond == 64_000)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `jitter that keeps the order is no narrow path`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var path = FeedbackPath()
    path.run(seconds: 5)
    var late = 0.0
    path.run(seconds: 300) { _ in
      late = max(late - 20, Double(random.next() % 100))
      return 20 + late
    }
    #expect(path.control.narrowings == 0)
    #expect(path.plan.bitsPerSecond == 64_000)
  }

  @Test func `what the client wants at most is kept`() {
    var settings = OpusSettings()
    settings.bitsPerSecondMax = 20_000
    settings.packetMillisecondsMax = 20
    var path = FeedbackPath(settings: settings)
    path.run(seconds: 10)
    #expect(path.plans.allSatisfy { $0.bitsPerSecond <= 20_000 && $0.packetMilliseconds == 20 })

    settings = OpusSettings()
    settings.wireBitsPerSecondMax = 40_000
    path = FeedbackPath(settings: settings)
    path.run(seconds: 10)
    for plan in path.plans {
      let wire = Int(plan.bitsPerSecond) + 64 * 8_000 / plan.packetMilliseconds
      #expect(wire <= 40_000, "\(plan)")
      #expect(plan.bitsPerSecond >= 20_000, "\(plan)")
    }
  }

  @Test func `copies stay within what the client wants and the path carries`() {
    var settings = OpusSettings()
    settings.bitsPerSecondMax = 64_000
    var random = SeededRandom(seed: 5)
    var path = FeedbackPath(settings: settings, takesCopies: true)
    path.run(seconds: 3)
    path.run(seconds: 20) { _ in random.next() % 50 == 0 ? nil : 20 }
    #expect(path.plan.carriesCopy)
    #expect(path.plan.bitsPerSecond == 31_000)

    // A path for 64 kbit/s and its headers, but not for twice that.
    path = FeedbackPath(takesCopies: true)
    path.capacity = 100_000
    path.run(seconds: 3)
    path.run(seconds: 60) { _ in random.next() % 50 == 0 ? nil : 20 }
    #expect(path.plans.contains { $0.carriesCopy })
    #expect(path.queueMillisecondsMax < 400)
    #expect(path.plans.allSatisfy { $0.packetMilliseconds == 20 || $0 == path.plans[0] })
    #expect(path.control.narrowings == 0)
  }

  @Test func `a busy thread has its calls work less, and takes no more of them over`() {
    var budget = EncodingBudget.unlimited
    budget.renew(nanoseconds: 1_000_000_000, busyNanoseconds: 850_000_000, isLate: false)
    #expect(budget.silkComplexity == 0)
    #expect(budget.silkChangesLeft > 50)
    budget.renew(nanoseconds: 1_000_000_000, busyNanoseconds: 960_000_000, isLate: false)
    #expect(budget.silkChangesLeft == 0)
    let isTaken = budget.takeSilkChange()
    #expect(!isTaken)
    budget.renew(nanoseconds: 1_000_000_000, busyNanoseconds: 500_000_000, isLate: false)
    #expect(budget.silkComplexity == 5)
    #expect(40...45 ~= budget.silkChangesLeft, "30 % of a second, by 50 frames of 140 us")

    var path = FeedbackPath()
    path.budget = EncodingBudget(silkComplexity: 0, silkChangesLeft: 0)
    path.run(seconds: 20) { $0 % 12 == 5 ? nil : 20 }
    #expect(path.plan.coder == .celt)
    path.budget = EncodingBudget(silkComplexity: 0, silkChangesLeft: 1)
    path.run(seconds: 5) { $0 % 12 == 5 ? nil : 20 }
    #expect(path.plan.coder == .silk)
    #expect(path.plan.complexity == 0)
  }

  @Test func `a change of the coder waits for a pause, a second at most`() {
    let waits = [true, false].map { isPausing in
      var path = FeedbackPath()
      path.run(seconds: 3)
      let start = path.now
      path.isPause = { _ in isPausing }
      while path.plan.coder == .celt, path.now.milliseconds(since: start) < 20_000 {
        path.run(seconds: 0.02) { $0 % 10 == 5 ? nil : 20 }
      }
      return path.now.milliseconds(since: start)
    }
    #expect(waits[0] < 4_000)
    #expect(980...1_020 ~= waits[1] - waits[0], "\(waits) ms")
  }

  // MARK: Reports alone

  private static func report(_ highest: UInt32, lost percent: Int) -> ReportBlock {
    ReportBlock(ssrc: 1, fractionLost: UInt8(percent * 256 / 100), highestSequence: highest)
  }

  @Test func `reports alone tell of losses, and of a path that is narrow`() {
    var control = EncoderControl(
      OpusSettings(), takesCopies: false, wantsFeedback: false, overheadByteCount: 64)
    var budget = EncodingBudget.unlimited
    var highest: UInt32 = 70_000
    var now = Instant(nanoseconds: 1_000_000_000)
    func next(lost: Int, roundTrip: UInt64) -> EncodingPlan {
      now = now.advanced(byMilliseconds: 5_000)
      highest += 250
      control.note(
        Self.report(highest, lost: lost), roundTripMicroseconds: roundTrip, at: now)
      return control.plan(at: now, isPause: true, budget: &budget)
    }
    #expect(next(lost: 0, roundTrip: 40_000).bitsPerSecond == 32_000, "the first has no before")
    #expect(next(lost: 0, roundTrip: 40_000).bitsPerSecond == 64_000)
    let lossy = next(lost: 10, roundTrip: 45_000)
    #expect(lossy.coder == .silk && lossy.lossPercent >= 5 && lossy.packetMilliseconds == 20)
    let narrow = next(lost: 10, roundTrip: 400_000)
    #expect(narrow.packetMilliseconds == 40)
    #expect(next(lost: 8, roundTrip: 400_000).packetMilliseconds == 60)
    for _ in 0..<5 { #expect(next(lost: 0, roundTrip: 50_000).packetMilliseconds == 60) }
    var plan = EncodingPlan()
    for _ in 0..<36 { plan = next(lost: 0, roundTrip: 50_000) }
    #expect(plan.bitsPerSecond == 64_000)
    #expect(plan.packetMilliseconds == 20)
  }

  @Test func `requests to send again count as losses`() {
    var control = EncoderControl(
      OpusSettings(), takesCopies: false, wantsFeedback: false, overheadByteCount: 64)
    var budget = EncodingBudget.unlimited
    var now = Instant(nanoseconds: 1_000_000_000)
    var plan = EncodingPlan()
    for index in 0..<1_500 as Range<UInt32> {
      now = now.advanced(byMilliseconds: 20)
      control.noteSent(sequenceNumber: UInt16(index), byteCount: 220, at: now)
      if index % 10 == 9 {
        control.noteRequest(sequenceNumber: UInt16(index), at: now)
      }
      if index % 250 == 0 {
        // What was sent again counts as received there.
        control.note(Self.report(index, lost: 0), roundTripMicroseconds: 40_000, at: now)
      }
      plan = control.plan(at: now, isPause: true, budget: &budget)
    }
    #expect(plan.coder == .silk)
    #expect(5...15 ~= plan.lossPercent)
  }
}
