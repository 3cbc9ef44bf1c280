import Wire

/// Tells frames that nobody can hear, and pauses, by the loudest 5 ms of each frame: an onset that
/// begins near a frame's end is as loud there as it is later.
enum NearSilence {
  /// Mean square of a sample at -60 dBFS (of a sine).
  private static let inaudible: Int64 = 537
  /// The same at -45 dBFS: between words.
  private static let pause: Int64 = 16_977

  /// How much a frame is to be heard.
  enum Loudness { case inaudible, pause, sound }

  static func loudness(_ frame: UnsafeBufferPointer<Int16>) -> Loudness {
    let part = frame.count / 4
    var loudest: Int64 = 0
    for start in stride(from: 0, to: part * 4, by: part) {
      var squares: Int64 = 0
      for index in start..<start + part {
        let sample = unsafe Int32(frame[index])
        squares &+= Int64(sample &* sample)
      }
      loudest = max(loudest, squares)
    }
    if loudest < inaudible * Int64(part) { return .inaudible }
    return loudest < pause * Int64(part) ? .pause : .sound
  }
}
