/// Makes a piece of sound shorter or longer by one period of its own pitch, so that nobody hears
/// it.
///
/// Two stretches of sound one period apart look the same; cross-fading from one to the other
/// removes or repeats the period without a seam. Works in the caller's memory, allocates nothing.
enum TimeScaler {
  /// How alike two stretches of sound must be, unless they are too quiet to matter.
  private static let likenessMin: Float = 0.9
  /// Mean square of a sample at -50 dBFS (of a sine).
  private static let quietMeanSquare: Float = 5_400

  /// The longest period that is added or removed: 10 ms.
  static func periodMax(rate: PcmRate) -> Int { rate.frameSampleCount / 2 }

  /// Shortens the `count` samples at `sound`, of at least one frame; returns how many are left.
  static func shorten(
    _ sound: UnsafeMutablePointer<Int16>, count: Int, rate: PcmRate
  ) -> Int {
    guard let period = unsafe period(sound, rate: rate) else { return count }
    for index in 0..<period {
      let weight = Float(index) / Float(period)
      unsafe sound[index] = mix(sound[index], sound[index + period], weight)
    }
    let rest = count - 2 * period
    unsafe (sound + period).update(from: sound + 2 * period, count: rest)
    return count - period
  }

  /// Lengthens the `count` samples at `sound`, of at least one frame, behind which there is room
  /// for `periodMax`; returns how many there are now.
  static func stretch(
    _ sound: UnsafeMutablePointer<Int16>, count: Int, rate: PcmRate
  ) -> Int {
    guard let period = unsafe period(sound, rate: rate) else { return count }
    // From the back: memory moves up by one period, the gap is filled with the cross-fade.
    unsafe (sound + 2 * period).update(from: sound + period, count: count - period)
    for index in 0..<period {
      let weight = Float(index) / Float(period)
      unsafe sound[period + index] = mix(sound[2 * period + index], sound[index], weight)
    }
    return count + period
  }

  private static func mix(_ from: Int16, _ to: Int16, _ weight: Float) -> Int16 {
    Int16((Float(from) * (1 - weight) + Float(to) * weight).rounded())
  }

  /// The distance, 2.5 to 10 ms, at which the sound is most like itself; nil when it is not.
  private static func period(_ sound: UnsafeMutablePointer<Int16>, rate: PcmRate) -> Int? {
    let longest = periodMax(rate: rate)
    let shortest = longest / 4
    let step = max(1, Int(rate.rawValue) / 12_000)
    var best = (lag: longest, likeness: -Float.infinity)
    for lag in stride(from: shortest, through: longest, by: step) {
      let likeness = unsafe likeness(sound, lag: lag, count: longest, step: step)
      if likeness > best.likeness { best = (lag, likeness) }
    }
    for lag in max(shortest, best.lag - step + 1)...min(longest, best.lag + step - 1) {
      let likeness = unsafe likeness(sound, lag: lag, count: longest, step: 1)
      if likeness > best.likeness { best = (lag, likeness) }
    }
    if best.likeness >= likenessMin { return best.lag }
    return unsafe meanSquare(sound, count: 2 * longest) < quietMeanSquare ? longest : nil
  }

  /// The normalised correlation of `count` samples with those `lag` later, looking at each
  /// `step`th.
  private static func likeness(
    _ sound: UnsafeMutablePointer<Int16>, lag: Int, count: Int, step: Int
  ) -> Float {
    var product: Float = 0
    var first: Float = 0
    var second: Float = 0
    for index in stride(from: 0, to: count, by: step) {
      let a = unsafe Float(sound[index])
      let b = unsafe Float(sound[index + lag])
      product += a * b
      first += a * a
      second += b * b
    }
    guard first > 0, second > 0 else { return 0 }
    return product / (first * second).squareRoot()
  }

  private static func meanSquare(_ sound: UnsafeMutablePointer<Int16>, count: Int) -> Float {
    var sum: Float = 0
    for index in 0..<count {
      let sample = unsafe Float(sound[index])
      sum += sample * sample
    }
    return sum / Float(count)
  }
}
