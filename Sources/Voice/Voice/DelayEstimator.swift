/// How late packets come, compared with the quickest ones, and so how long to hold them back.
///
/// Times are units of the RTP clock. The quickest transit of the last seconds is the base; it moves
/// with the drift between the sender's clock and ours. What packets take beyond it goes into a
/// histogram that forgets: 97 of 100 packets come within the target. One late packet in fifty does
/// not raise the target, two do. Packets that a stall of the network delivers in one go are one
/// late packet: a stall of 300 ms each 5 s, fifteen of 250, would keep everything for 300 ms.
struct DelayEstimator: Sendable {
  /// How long to hold back, above the base.
  private(set) var targetUnits: Int64

  private var weights: [80 of Float]
  private var windowStart: Int64
  private var windowBase: Int64
  private var earlierBase: Int64
  private var last: (transit: Int64, at: Int64)

  private static let bucketUnits: Int64 = 240
  private static let windowUnits: Int64 = 3 * 48_000
  private static let forgetting: Float = 0.985
  private static let quantile: Float = 0.97
  /// A frame: what is less would need a finer step than pulls have.
  private static let targetUnitsMin: Int64 = 960
  private static let targetUnitsStart: Int64 = 1920
  /// What follows sooner than it was sent, and a late one, came with it.
  private static let burstUnits: Int64 = 480

  /// Begins with one packet: `transit` is its arrival minus its timestamp.
  init(transit: Int64, at now: Int64) {
    targetUnits = Self.targetUnitsStart
    weights = .init(repeating: 0)
    weights[Int(Self.targetUnitsStart / Self.bucketUnits) - 1] = 1
    windowStart = now
    windowBase = transit
    earlierBase = transit
    last = (transit, now)
  }

  /// The transit of the quickest packets lately.
  var base: Int64 { min(windowBase, earlierBase) }

  /// What plays at `now` when everything is on schedule.
  func scheduledTime(at now: Int64) -> Int64 { now - base - targetUnits }

  /// Takes one packet into account.
  mutating func note(transit: Int64, at now: Int64) {
    if now - windowStart > Self.windowUnits {
      windowStart = now
      earlierBase = windowBase
      windowBase = transit
    }
    windowBase = min(windowBase, transit)
    defer { last = (transit, now) }
    let isOfBurst =
      now - last.at < Self.burstUnits && transit < last.transit
      && last.transit - base > targetUnits
    if isOfBurst { return }
    addWeight(at: min(Int((transit - base) / Self.bucketUnits), weights.count - 1))
    targetUnits = max(Self.targetUnitsMin, quantileUnits())
  }

  private mutating func addWeight(at bucket: Int) {
    for index in 0..<weights.count { weights[index] *= Self.forgetting }
    weights[bucket] += 1 - Self.forgetting
  }

  /// The upper edge of the bucket in which the quantile lies.
  private func quantileUnits() -> Int64 {
    var above: Float = 0
    for index in stride(from: weights.count - 1, through: 0, by: -1) {
      above += weights[index]
      if above > 1 - Self.quantile { return Int64(index + 1) * Self.bucketUnits }
    }
    return Self.bucketUnits
  }
}
