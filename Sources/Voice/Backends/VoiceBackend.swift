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

/// One frame of 20 ms as a backend hears it; for the duration of the call that hands it over.
@safe package struct HeardVoice {
  package let samples: UnsafeBufferPointer<Int16>
  /// What it is made of.
  package let frame: HeardFrame
  /// What this frame has changed about whether the person speaks.
  package let activity: VoiceActivity

  package init(
    _ samples: UnsafeBufferPointer<Int16>, frame: HeardFrame, activity: VoiceActivity
  ) {
    unsafe self.samples = samples
    self.frame = frame
    self.activity = activity
  }
}

/// Who a caller talks with: the answering side of a call.
///
/// A call gives its backend each frame it hears, and plays what it puts into the pacer; both run on
/// the call's clock, a frame each 20 ms, silence included (but see `hearsPromptly`). Beside the
/// voice go events: those of clients and of a service come in, `PartyAction`s go out. Which words
/// they use, whether answers come in turns or all the time, is the backend's own affair: the pacer
/// takes bursts and single frames alike, can be flushed, and tells how much of it was played.
///
/// Sans-IO; used from one thread. After each call, take what `nextAction` has. A backend that
/// has no use for events implements the first three members only.
package protocol VoiceBackend: AnyObject {
  /// Of the frames it hears and of what it says.
  var rate: PcmRate { get }

  /// The most that may wait in its pacer.
  var pacerMilliseconds: Int { get }

  /// Whether it speaks in answer to somebody who has spoken, so that its answers can be timed.
  var takesTurns: Bool { get }

  /// Whether it wants each frame as soon as it has come, in order, and not one each 20 ms: then
  /// frames come as unevenly as the network brings them. While sound is late there are none, later
  /// silence, which is taken back from the next pauses.
  var hearsPromptly: Bool { get }

  /// Hears one frame at `now`; may say something into `pacer`.
  func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents

  /// The client has been reached: the call is worth opening a service for. Once.
  func begin(at now: Instant)

  /// A frame has left (or silence instead of one): `pacer` tells what has been played until now.
  func played(at now: Instant, pacer: inout Pacer)

  /// A client can be sent events from now on.
  func clientJoined(_ client: ClientID, at now: Instant)

  func clientLeft(_ client: ClientID, at now: Instant)

  /// An event for the client was dropped: it has `byteCount` bytes, and the client takes at most
  /// `byteCountMax` in one message.
  func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant)

  /// One event of a client. `bytes` are whatever it sent.
  func clientEvent(_ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer)

  /// What the connection that `openService` asked for tells.
  func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer)

  /// When `handleTimeout` wants to be called; `.never` when nothing is due.
  var deadline: Instant { get }

  func handleTimeout(at now: Instant, pacer: inout Pacer)

  /// The call is over. Only actions for the service are heeded afterwards.
  func end(at now: Instant)

  /// The oldest thing that it wants done; nil when there is none.
  func nextAction() -> PartyAction?

  var figures: PartyFigures { get }
}

extension VoiceBackend {
  package var takesTurns: Bool { true }
  package var hearsPromptly: Bool { false }
  package func begin(at now: Instant) {}
  package func played(at now: Instant, pacer: inout Pacer) {}
  package func clientJoined(_ client: ClientID, at now: Instant) {}
  package func clientLeft(_ client: ClientID, at now: Instant) {}
  package func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant
  ) {}
  package func clientEvent(
    _ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer
  ) {}
  package func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {}
  package var deadline: Instant { .never }
  package func handleTimeout(at now: Instant, pacer: inout Pacer) {}
  package func end(at now: Instant) {}
  package func nextAction() -> PartyAction? { nil }
  package var figures: PartyFigures { PartyFigures() }
}
