/// The mean square of samples.
enum MeanSquare {
  /// Of a frame without its constant part, in squares of a sample's unit; 0 of an empty one.
  static func ofSound(_ frame: UnsafeBufferPointer<Int16>) -> Double {
    // Whole numbers can be added in any order, so several at a time; and they are exact.
    var sum: Int64 = 0
    var squares: Int64 = 0
    for index in frame.indices {
      let sample = unsafe Int32(frame[index])
      sum &+= Int64(sample)
      squares &+= Int64(sample &* sample)
    }
    let count = Double(max(1, frame.count))
    let mean = Double(sum) / count
    return max(0, Double(squares) / count - mean * mean)
  }
}
