package import Voice
package import Wire

/// What happened inside a backend during one frame; a set, so that nothing is allocated.
package struct BackendEvents: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

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

/// Who a caller talks with.
///
/// A call gives its backend each frame it hears, and plays what it puts into the pacer; both run on
/// the call's clock, a frame each 20 ms, silence included. Which words a backend uses towards a
/// service behind it, whether it answers in turns or talks all the time, is its own affair: the
/// pacer takes bursts and single frames alike, and can be flushed. Sans-IO; used from one thread.
package protocol VoiceBackend: AnyObject {
  /// Of the frames it hears and of what it says.
  var rate: PcmRate { get }

  /// The most that may wait in its pacer.
  var pacerMilliseconds: Int { get }

  /// Hears one frame of 20 ms, made up as `heard` tells, at `now`; may say something into `pacer`.
  func hear(
    _ frame: UnsafeBufferPointer<Int16>, heard: HeardFrame, at now: Instant, pacer: inout Pacer
  ) -> BackendEvents
}
