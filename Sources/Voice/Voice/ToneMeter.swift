/// What a `ToneMeter` found in a window of sound.
package struct ToneReading: Hashable, Sendable {
  /// The frequency of the strongest tone; 0 when there is none.
  package var hertz: Double
  /// The level of that tone in dBFS; -120 when there is none.
  package var level: Double
  /// The part of the signal's power that is in the tone, 0...1.
  package var purity: Double
}

/// Finds the frequency and the level of one tone in sound that may carry some noise.
///
/// Crossings of zero give a first guess, the phase that the guess gains between the halves of a
/// window corrects it, and a weighted transform at the result gives the level. Memory is taken
/// once.
@safe package struct ToneMeter: ~Copyable {
  /// Of the last complete window; nil before the first.
  package private(set) var reading: ToneReading?
  /// Windows that were measured.
  package private(set) var windowCount: UInt64 = 0

  private let rate: PcmRate
  private let window: UnsafeMutableBufferPointer<Int16>
  private var count = 0

  /// Each window is `windowMilliseconds` long, at least 40; the longer, the finer.
  package init(rate: PcmRate, windowMilliseconds: Int = 200) {
    precondition(windowMilliseconds >= 40, "too short for a low tone")
    self.rate = rate
    unsafe window = .allocate(capacity: rate.sampleCount(milliseconds: windowMilliseconds))
    unsafe window.initialize(repeating: 0)
  }

  deinit {
    unsafe window.deallocate()
  }

  /// Takes sound of any length; true when a window has been completed and `reading` is new.
  @discardableResult
  package mutating func hear(_ frame: UnsafeBufferPointer<Int16>) -> Bool {
    var isNew = false
    for index in frame.indices {
      unsafe window[count] = frame[index]
      count += 1
      guard unsafe count == window.count else { continue }
      reading = measure()
      windowCount += 1
      count = 0
      isNew = true
    }
    return isNew
  }

  private func measure() -> ToneReading {
    let half = unsafe window.count / 2
    let meanSquare = meanSquare()
    guard meanSquare > 1, let guess = frequencyByCrossings() else {
      return ToneReading(hertz: 0, level: -120, purity: 0)
    }
    let first = transform(guess, from: 0, count: half)
    let second = transform(guess, from: half, count: half)
    guard first.power > 0, second.power > 0 else {
      return ToneReading(hertz: 0, level: -120, purity: 0)
    }
    // Both transforms count their phase from the window's start, so a right guess gains none.
    let gained = Mathematics.turns(
      x: first.x * second.x + first.y * second.y, y: first.x * second.y - first.y * second.x)
    let hertz = guess + gained * Double(rate.rawValue) / Double(half)
    let tone = unsafe transform(hertz, from: 0, count: window.count)
    return ToneReading(
      hertz: hertz, level: Decibels.level(meanSquare: tone.power),
      purity: min(1, tone.power / meanSquare))
  }

  private func meanSquare() -> Double {
    var sum = 0.0
    for index in unsafe window.indices {
      let sample = unsafe Double(window[index])
      sum += sample * sample
    }
    return unsafe sum / Double(window.count)
  }

  /// Counts rising crossings of zero, placed between samples; nil with fewer than three.
  private func frequencyByCrossings() -> Double? {
    var crossings = 0
    var first = 0.0
    var last = 0.0
    for index in 1..<(unsafe window.count) {
      let before = unsafe Double(window[index - 1])
      let after = unsafe Double(window[index])
      guard before < 0, after >= 0 else { continue }
      last = Double(index) - after / (after - before)
      if crossings == 0 { first = last }
      crossings += 1
    }
    guard crossings >= 3, last > first else { return nil }
    return Double(crossings - 1) * Double(rate.rawValue) / (last - first)
  }

  /// The part of the sound that turns with `hertz`, under a raised cosine; `power` is the mean
  /// square of the sine that it is.
  private func transform(
    _ hertz: Double, from start: Int, count: Int
  ) -> (x: Double, y: Double, power: Double) {
    let turn = Mathematics.wave(turns: hertz / Double(rate.rawValue))
    let slope = Mathematics.wave(turns: 1 / Double(count))
    var pointer = Mathematics.wave(turns: hertz * Double(start) / Double(rate.rawValue))
    var weight = (sine: 0.0, cosine: 1.0)
    var x = 0.0
    var y = 0.0
    for index in start..<(start + count) {
      let sample = unsafe Double(window[index]) * (1 - weight.cosine)
      x += sample * pointer.cosine
      y -= sample * pointer.sine
      pointer = Self.turned(pointer, by: turn)
      weight = Self.turned(weight, by: slope)
    }
    x /= Double(count)
    y /= Double(count)
    return (x, y, 2 * (x * x + y * y))
  }

  private static func turned(
    _ pointer: (sine: Double, cosine: Double), by step: (sine: Double, cosine: Double)
  ) -> (sine: Double, cosine: Double) {
    (
      pointer.sine * step.cosine + pointer.cosine * step.sine,
      pointer.cosine * step.cosine - pointer.sine * step.sine
    )
  }
}
