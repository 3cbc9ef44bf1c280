/// How often durations of each size were seen: eight buckets to each power of two, so what is read
/// from it is at most an eighth too high. Allocates nothing after its making. One thread.
package struct DurationCounts: Sendable {
  private static let bucketCount = 8 * 40
  private var counts = [UInt64](repeating: 0, count: bucketCount)
  private(set) var total: UInt64 = 0

  mutating func note(nanoseconds: UInt64) {
    counts[Self.bucket(nanoseconds)] &+= 1
    total &+= 1
  }

  /// Microseconds, rounded up, that `share` (0...1) of the durations did not exceed; 0 when there
  /// were none.
  func microseconds(share: Double) -> Int {
    var left = (Double(total) * share).rounded(.up)
    for (bucket, count) in counts.enumerated() where count > 0 {
      left -= Double(count)
      if left <= 0 { return Int((Self.end(of: bucket) + 999) / 1_000) }
    }
    return 0
  }

  /// Below 8 each value has its bucket; then eight of them share each power of two.
  private static func bucket(_ value: UInt64) -> Int {
    guard value >= 8 else { return Int(value) }
    let power = 63 - value.leadingZeroBitCount
    return min((power - 2) * 8 + Int(value >> UInt64(power - 3) & 7), bucketCount - 1)
  }

  /// The first value beyond a bucket.
  private static func end(of bucket: Int) -> UInt64 {
    guard bucket >= 8 else { return UInt64(bucket) + 1 }
    return UInt64(8 + bucket % 8 + 1) << UInt64(bucket / 8 - 1)
  }
}
