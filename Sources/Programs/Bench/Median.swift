extension Collection where Element == Double {
  /// The middle value, or the mean of the two in the middle; nil when there is none.
  var median: Double? {
    guard !isEmpty else { return nil }
    let sorted = sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }
}
