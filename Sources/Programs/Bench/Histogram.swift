import CTraffic

/// Latencies in buckets, 16 to each power of two, as CTraffic counts them: a value is known to
/// within 6 %.
struct Histogram: Equatable, Sendable {
  private(set) var buckets: [UInt64]

  /// `buckets` are as CTraffic gives them; none of them filled unless given.
  init(_ buckets: [UInt64] = Array(repeating: 0, count: Int(CT_BUCKETS))) {
    self.buckets = buckets
  }

  /// How many values there are.
  var count: UInt64 { buckets.reduce(0, +) }

  /// Adds the values of another one.
  mutating func add(_ other: Histogram) {
    for index in buckets.indices { buckets[index] += other.buckets[index] }
  }

  /// Adds `count` values to one bucket.
  mutating func add(_ count: UInt64, toBucket bucket: Int) { buckets[bucket] += count }

  /// The values that came after those of `earlier`, a former state of the same histogram.
  static func - (later: Histogram, earlier: Histogram) -> Histogram {
    var difference = later
    for index in difference.buckets.indices { difference.buckets[index] -= earlier.buckets[index] }
    return difference
  }

  /// The middle of a bucket, in nanoseconds.
  static func nanoseconds(ofBucket bucket: Int) -> Double {
    guard bucket >= 16 else { return Double(bucket) }
    let width = 1 << (bucket / 16 - 1)
    return Double((16 + bucket % 16) * width) + Double(width) / 2
  }

  /// The value, in nanoseconds, that `share` (0 to 1) of the values do not exceed; nil without any.
  func quantile(_ share: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let wanted = max(1, UInt64((Double(total) * share).rounded(.up)))
    var seen: UInt64 = 0
    for (bucket, value) in buckets.enumerated() {
      seen += value
      if seen >= wanted { return Self.nanoseconds(ofBucket: bucket) }
    }
    return nil
  }
}
