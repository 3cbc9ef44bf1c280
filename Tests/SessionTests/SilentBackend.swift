import Backends
import Voice
import Wire

/// An answering side that says nothing, has no service and understands no event: for tests that
/// want one thing of it.
class SilentBackend: VoiceBackend {
  let rate = PcmRate.hertz16000
  let pacerMilliseconds = 1_000
  let takesTurns = true
  let hearsPromptly: Bool
  let deadline = Instant.never
  let figures = PartyFigures()

  init(hearsPromptly: Bool = true) { self.hearsPromptly = hearsPromptly }

  func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents { [] }
  func begin(at now: Instant) {}
  func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {}
  func handleTimeout(at now: Instant, pacer: inout Pacer) {}
  func end(at now: Instant) {}
  func nextAction() -> PartyAction? { nil }
  func played(at now: Instant, pacer: inout Pacer) {}
  func clientJoined(_ client: ClientID, at now: Instant) {}
  func clientLeft(_ client: ClientID, at now: Instant) {}
  func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant
  ) {}
  func clientEvent(
    _ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer
  ) {}
}
