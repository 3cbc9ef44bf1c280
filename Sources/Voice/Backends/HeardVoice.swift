package import Voice

/// What happened inside a backend during one frame; a set, so that nothing is allocated.
package struct BackendEvents: OptionSet, Hashable, Sendable {
  /// A bit for each event below; the bits mean nothing outside this process.
  package let rawValue: UInt8

  /// Takes any bits; those that no event below has mean nothing.
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The person began to speak.
  package static let heardStart = BackendEvents(rawValue: 1)
  /// The person stopped speaking.
  package static let heardEnd = BackendEvents(rawValue: 2)
  /// The backend has begun to say something.
  package static let saidStart = BackendEvents(rawValue: 4)
  /// What the backend had to say has been played to its end.
  package static let saidEnd = BackendEvents(rawValue: 8)
  /// The person interrupted: what waited to be said was dropped.
  package static let interrupted = BackendEvents(rawValue: 16)
}

/// One frame of 20 ms as a backend hears it; for the duration of the call that hands it over.
@safe package struct HeardVoice {
  /// As many as `Speaker.rate` has in 20 ms. The memory is the caller's: copy what is to be kept.
  package let samples: UnsafeBufferPointer<Int16>
  /// What it is made of.
  package let frame: HeardFrame
  /// What this frame has changed about whether the person speaks.
  package let activity: VoiceActivity

  /// Copies nothing. `samples` must be a whole frame, which is not checked.
  package init(
    _ samples: UnsafeBufferPointer<Int16>, frame: HeardFrame, activity: VoiceActivity
  ) {
    unsafe self.samples = samples
    self.frame = frame
    self.activity = activity
  }
}
