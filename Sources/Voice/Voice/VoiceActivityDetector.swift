/// A change that a `VoiceActivityDetector` reports.
package enum VoiceActivity: UInt8, Hashable, Sendable {
  case unchanged
  /// Somebody has begun to speak; `startMilliseconds` of it have passed.
  case started
  /// Nobody has spoken for `endMilliseconds`.
  case ended
}

/// How a `VoiceActivityDetector` is to work.
package struct VoiceActivitySettings: Hashable, Sendable {
  /// So much sound in a row is speech; shorter is a click.
  package var startMilliseconds = 60
  /// So much quiet ends a turn; shorter is a pause for breath.
  package var endMilliseconds = 500
  /// Sound this far above the noise counts, in decibels.
  package var aboveNoiseDecibels = 9.0
  /// Below this level, in dBFS, nothing counts.
  package var quietestLevel = -50.0

  /// Both times count in frames of 20 ms: what lies between takes effect with the next whole one.
  package init() {}
}

/// Tells speech from noise by its energy above a noise floor that it learns. A struct of numbers.
package struct VoiceActivityDetector: Sendable {
  /// Somebody is speaking.
  package private(set) var isSpeaking = false
  /// The last frame was louder than the noise.
  package private(set) var isLoud = false
  /// The level that counts as noise, in dBFS.
  package private(set) var noiseLevel = -60.0

  private let settings: VoiceActivitySettings
  private var loudMilliseconds = 0
  private var quietMilliseconds = 0

  /// Noise is learned slowly upwards (a long vowel is not noise) and quickly downwards.
  private static let riseDecibels = 0.05
  private static let fallShare = 0.2

  /// Nobody speaks, and noise is at -60 dBFS until more is heard.
  package init(settings: VoiceActivitySettings = VoiceActivitySettings()) {
    self.settings = settings
  }

  /// Takes a frame of 20 ms.
  package mutating func hear(_ frame: UnsafeBufferPointer<Int16>) -> VoiceActivity {
    let level = unsafe Decibels.level(meanSquare: MeanSquare.ofSound(frame))
    let threshold = max(noiseLevel + settings.aboveNoiseDecibels, settings.quietestLevel)
    learn(level)
    isLoud = level > threshold
    return isLoud ? noteLoud() : noteQuiet()
  }

  /// Starts afresh but keeps what was learned about the noise.
  package mutating func reset() {
    isSpeaking = false
    loudMilliseconds = 0
    quietMilliseconds = 0
  }

  private mutating func learn(_ level: Double) {
    let clamped = max(level, -90)
    if clamped < noiseLevel {
      noiseLevel += (clamped - noiseLevel) * Self.fallShare
    } else {
      noiseLevel += Self.riseDecibels
    }
  }

  private mutating func noteLoud() -> VoiceActivity {
    quietMilliseconds = 0
    loudMilliseconds += 20
    guard !isSpeaking, loudMilliseconds >= settings.startMilliseconds else { return .unchanged }
    isSpeaking = true
    return .started
  }

  private mutating func noteQuiet() -> VoiceActivity {
    loudMilliseconds = 0
    quietMilliseconds += 20
    guard isSpeaking, quietMilliseconds >= settings.endMilliseconds else { return .unchanged }
    isSpeaking = false
    return .ended
  }
}
