/// Tells frames that nobody misses: the second quiet one in a row and those after it, so that the
/// ending of a word stays. A struct of numbers.
struct QuietFrames: Sendable {
  /// Mean square of the noise that is always there, learned slowly upwards and quickly downwards.
  private var floor: Float = 540
  private var lastWasQuiet = false

  /// Of a sine at -50, -35 and -80 dBFS.
  private static let quietMeanSquare: Float = 5_368
  private static let noiseMeanSquareMax: Float = 169_770
  private static let floorMin: Float = 5.4
  /// 6 dB over the noise is noise still.
  private static let aboveFloor: Float = 4
  /// 0.05 dB a frame: a long vowel is not noise.
  private static let riseFactor: Float = 1.0116
  private static let fallShare: Float = 0.3

  /// Takes the next frame of 20 ms; whether it may be left out.
  mutating func mayDrop(_ frame: UnsafeMutableBufferPointer<Int16>) -> Bool {
    let level = unsafe Float(MeanSquare.ofSound(UnsafeBufferPointer(frame)))
    floor = max(
      level < floor ? floor + (level - floor) * Self.fallShare : floor * Self.riseFactor,
      Self.floorMin)
    let isNoise = level < floor * Self.aboveFloor && level < Self.noiseMeanSquareMax
    let isQuiet = level < Self.quietMeanSquare || isNoise
    defer { lastWasQuiet = isQuiet }
    return isQuiet && lastWasQuiet
  }
}
