/// Makes a sine: what a test call says. Allocates nothing.
package struct ToneGenerator: Sendable {
  private let step: (sine: Double, cosine: Double)
  private let amplitude: Double
  private var sine = 0.0
  private var cosine = 1.0

  /// `hertz` below half of `rate`; `level` in dBFS, -120...0.
  package init(hertz: Double, level: Double, rate: PcmRate) {
    precondition(hertz > 0 && hertz < Double(rate.rawValue) / 2, "not a tone at this rate")
    step = Mathematics.wave(turns: hertz / Double(rate.rawValue))
    amplitude = Decibels.amplitude(level: level)
  }

  /// Fills `frame`, of any length, going on where the last one ended.
  package mutating func fill(_ frame: UnsafeMutableBufferPointer<Int16>) {
    for index in frame.indices {
      unsafe frame[index] = Int16((amplitude * sine).rounded())
      let next = sine * step.cosine + cosine * step.sine
      cosine = cosine * step.cosine - sine * step.sine
      sine = next
    }
    // Rounding would let the turning pointer grow or shrink over minutes.
    let length = (sine * sine + cosine * cosine).squareRoot()
    sine /= length
    cosine /= length
  }
}
