package import Voice
package import Wire

/// Who hears and speaks, and knows nothing else.
///
/// A call gives it each frame it hears, and plays what it puts into the pacer; both run on the
/// call's clock, a frame each 20 ms, silence included (but see `hearsPromptly`). Whether answers
/// come in turns or all the time is its own affair: the pacer takes bursts and single frames alike,
/// can be flushed, and tells how much of it was played.
///
/// No member has a default: what wraps another one and forgets to pass something on does not
/// compile. Sans-IO; used from one thread.
package protocol Speaker: AnyObject {
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
}

/// A speaker that has a service speak for it. After each call, take what `nextAction` has.
package protocol ServiceSpeaker: Speaker {
  /// The client has been reached: the call is worth opening a service for. Once.
  func begin(at now: Instant)

  /// What the connection that `openService` asked for tells.
  func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer)

  /// When `handleTimeout` wants to be called; `.never` when nothing is due.
  var deadline: Instant { get }

  /// Does what is due at `now`.
  func handleTimeout(at now: Instant, pacer: inout Pacer)

  /// The call is over. Only actions for the service are heeded afterwards.
  func end(at now: Instant)

  /// The oldest thing that it wants done; nil when there is none.
  func nextAction() -> PartyAction?

  /// What it has counted so far.
  var figures: PartyFigures { get }
}

/// Who a caller talks with: the answering side of a call, which speaks a dialect of events with the
/// call's clients as well. Those of clients and of a service come in, `PartyAction`s go out.
package protocol VoiceBackend: ServiceSpeaker {
  /// A frame has left (or silence instead of one): `pacer` tells what has been played until now.
  func played(at now: Instant, pacer: inout Pacer)

  /// A client can be sent events from now on.
  func clientJoined(_ client: ClientID, at now: Instant)

  /// It cannot any more.
  func clientLeft(_ client: ClientID, at now: Instant)

  /// An event for the client was dropped: it has `byteCount` bytes, and the client takes at most
  /// `byteCountMax` in one message.
  func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant)

  /// One event of a client. `bytes` are whatever it sent.
  func clientEvent(_ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer)
}
