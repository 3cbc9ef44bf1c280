package import Voice

/// Two seconds of a tone as Opus packets, to be sent over and over. Encoding once instead of in
/// every call lets one machine play many callers.
package final class EncodedTone: Sendable {
  package let hertz: Double
  /// In dBFS.
  package let level: Double
  /// One payload for each 20 ms.
  package let payloads: [[UInt8]]

  private static let frameCount = 100
  /// The encoder needs some frames to settle.
  private static let warmUpFrameCount = 50

  /// `hertz`: 50...4,000. A whole number, so the two seconds' end fits their beginning.
  package init(hertz: Int, level: Double = -12, rate: PcmRate = .hertz16000) {
    precondition(hertz >= 50 && hertz <= 4_000, "no tone that every rate carries")
    self.hertz = Double(hertz)
    self.level = level
    var generator = ToneGenerator(hertz: Double(hertz), level: level, rate: rate)
    var encoder = OpusEncoder(rate: rate)
    var frame = [Int16](repeating: 0, count: rate.frameSampleCount)
    var output = [UInt8](repeating: 0, count: 1_500)
    var payloads: [[UInt8]] = []
    for index in 0..<(Self.warmUpFrameCount + Self.frameCount) {
      let count = unsafe frame.withUnsafeMutableBufferPointer { frame in
        unsafe generator.fill(frame)
        return unsafe output.withUnsafeMutableBytes {
          unsafe encoder.encode(UnsafeBufferPointer(frame), into: $0)
        }
      }
      if index >= Self.warmUpFrameCount { payloads.append(Array(output[..<count])) }
    }
    self.payloads = payloads
  }
}
