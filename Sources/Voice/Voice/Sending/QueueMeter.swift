/// How long packets stand in a queue on their way, and how much gets through. A struct of numbers.
///
/// From when a packet was sent, by our clock, and when it came, by the receiver's: the quickest
/// packets of the last half minute had no queue before them, and what those of the last second take
/// beyond that, even the quickest of them, is a queue that stands (RFC 8289 judges alike). A queue
/// that comes and goes is the network's own affair: where packets differ much from each other, by
/// so much more must they all be late.
struct QueueMeter: Sendable {
  private struct Bucket: BitwiseCopyable {
    var number: Int64 = .min
    var quickest: Int64 = .max
    /// Of packets before which the last one is known to have come, and since when.
    var byteCount = 0
    var microseconds: Int64 = 0
  }

  /// By the time of arrival.
  private var buckets: [16 of Bucket] = .init(repeating: Bucket())
  private var newest: Int64 = .min
  private var base = RecentMinimum(window: 15_000_000)
  private var last: (number: UInt16, arrival: Int64, transit: Int64)?
  /// By how much the way of a packet differs from that of the one before it, as RFC 3550, section
  /// 6.4.1, smooths it; in sixteenths of a microsecond.
  private var jitterSixteenths: Int64 = 0

  private static let bucketMicroseconds: Int64 = 100_000
  /// Between packets that are further apart nothing was waiting.
  private static let idleMicroseconds: Int64 = 200_000
  /// A clock that jumps by more than this tells nothing about what was before.
  private static let jumpMicroseconds: Int64 = 60_000_000

  /// The packet with this transport-wide number came, at `arrival` of the receiver's clock; both in
  /// microseconds.
  mutating func note(_ packet: UInt16, sent: Int64, arrival: Int64, byteCount: Int) {
    let transit = arrival - sent
    let number = arrival / Self.bucketMicroseconds
    if let last, abs(arrival - last.arrival) > Self.jumpMicroseconds { self = QueueMeter() }
    base.note(transit, at: arrival)
    let place = Int(number & 15)
    if buckets[place].number != number { buckets[place] = Bucket(number: number) }
    buckets[place].quickest = min(buckets[place].quickest, transit)
    // Where feedback was lost, nothing can be said of what the path carried meanwhile.
    if let last, last.number &+ 1 == packet {
      let step = min(abs(transit - last.transit), Self.idleMicroseconds)
      jitterSixteenths += step - jitterSixteenths / 16
      if 0..<Self.idleMicroseconds ~= arrival - last.arrival {
        buckets[place].byteCount += byteCount
        buckets[place].microseconds += arrival - last.arrival
      }
    }
    last = (packet, arrival, transit)
    newest = max(newest, number)
  }

  /// From sending to arrival, each by its own clock, at the least of the last half minute, in
  /// microseconds; nil when nothing came.
  var quickestMicroseconds: Int64? { base.value }

  /// The queue that stood through the last `tenths` of a second (at most 10), in milliseconds; nil
  /// when too little came.
  func standingMilliseconds(tenths: Int) -> Int? {
    var quickest: Int64 = .max
    var count = 0
    for index in 0..<buckets.count where isWithin(buckets[index].number, tenths) {
      quickest = min(quickest, buckets[index].quickest)
      count += 1
    }
    guard count > 0, 4 * count >= tenths, let least = base.value else { return nil }
    return Int(max(0, quickest - least - jitterSixteenths / 16) / 1_000)
  }

  /// What came through lately, in bits per second; nil when too little is known.
  var carriedBitsPerSecond: Int? {
    var byteCount = 0
    var microseconds: Int64 = 0
    for index in 0..<buckets.count where isWithin(buckets[index].number, 10) {
      byteCount += buckets[index].byteCount
      microseconds += buckets[index].microseconds
    }
    guard microseconds >= Self.bucketMicroseconds else { return nil }
    return Int(8_000_000 * Int64(byteCount) / microseconds)
  }

  private func isWithin(_ number: Int64, _ tenths: Int) -> Bool {
    number != .min && newest - number < Int64(tenths)
  }
}
