/// Logarithms and waves for measuring sound, in plain arithmetic: this room links no C library but
/// libopus. All are good to at least nine digits in the range given.
enum Mathematics {
  /// The natural logarithm of a positive number.
  static func logarithm(_ value: Double) -> Double {
    precondition(value > 0 && value.isFinite, "no logarithm")
    var fraction = value.significand
    var power = Double(value.exponent)
    if fraction > 1.4142135623730951 {
      fraction /= 2
      power += 1
    }
    // 2 artanh(z), z below 0.172: each term is 34 times smaller than the one before.
    let z = (fraction - 1) / (fraction + 1)
    var term = z
    var sum = 0.0
    for divisor in stride(from: 1.0, through: 19.0, by: 2.0) {
      sum += term / divisor
      term *= z * z
    }
    return power * 0.6931471805599453 + 2 * sum
  }

  /// 10 to the power `exponent`, -30...30.
  static func tenToThe(_ exponent: Double) -> Double {
    precondition(abs(exponent) <= 30, "out of range")
    let binary = exponent * 3.321928094887362
    let whole = binary.rounded()
    let rest = (binary - whole) * 0.6931471805599453
    var term = 1.0
    var sum = 1.0
    for divisor in 1...14 {
      term *= rest / Double(divisor)
      sum += term
    }
    return Double(sign: .plus, exponent: Int(whole), significand: sum)
  }

  /// Sine and cosine of a full turn times `turns`.
  static func wave(turns: Double) -> (sine: Double, cosine: Double) {
    let quarters = (turns * 4).rounded()
    let angle = (turns - quarters / 4) * (2 * Double.pi)
    let (sine, cosine) = shortWave(angle)
    switch Int(quarters) & 3 {
    case 0: return (sine, cosine)
    case 1: return (cosine, -sine)
    case 2: return (-sine, -cosine)
    default: return (-cosine, sine)
    }
  }

  /// For at most an eighth of a turn.
  private static func shortWave(_ angle: Double) -> (sine: Double, cosine: Double) {
    var sine = 0.0
    var cosine = 0.0
    var term = 1.0
    for power in 0..<18 {
      let signed = power & 2 == 0 ? term : -term
      if power & 1 == 0 { cosine += signed } else { sine += signed }
      term *= angle / Double(power + 1)
    }
    return (sine, cosine)
  }

  /// The angle in turns, -0.5...0.5, of the point (x, y), which is not the origin.
  static func turns(x: Double, y: Double) -> Double {
    // Halving the angle thrice brings it under 23 degrees, where the series is quick.
    let length = (x * x + y * y).squareRoot()
    precondition(length > 0, "the origin has no angle")
    var tangent = halfTangent(x: x / length, y: y / length)
    for _ in 0..<2 { tangent = tangent / (1 + (1 + tangent * tangent).squareRoot()) }
    var term = tangent
    var sum = 0.0
    for index in 0..<12 {
      sum += (index & 1 == 0 ? term : -term) / Double(2 * index + 1)
      term *= tangent * tangent
    }
    return sum * 8 / (2 * Double.pi)
  }

  /// The tangent of half the angle of a point on the unit circle, kept finite.
  private static func halfTangent(x: Double, y: Double) -> Double {
    let denominator = max(1 + x, 1e-12)
    return y / denominator
  }
}

/// A level relative to a sine of full scale, which has 0 dBFS (AES17).
package enum Decibels {
  /// The level of a signal by its mean square, of 16-bit samples; -120 for silence.
  package static func level(meanSquare: Double) -> Double {
    let ratio = meanSquare / (32_767.0 * 32_767.0 / 2)
    guard ratio > 1e-12 else { return -120 }
    return 10 * Mathematics.logarithm(ratio) / 2.302585092994046
  }

  /// The amplitude, in 16-bit samples, of a sine of `level`, -120...0.
  package static func amplitude(level: Double) -> Double {
    32_767 * Mathematics.tenToThe(level / 20)
  }
}
