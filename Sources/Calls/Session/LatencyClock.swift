import Wire

/// When what happened first in a call, and how long its answers took. Milliseconds since the
/// session was made, where nothing else is said; nil for what has not happened.
package struct LatencyFigures: Hashable, Sendable {
  /// The first signed connectivity check.
  package var firstStunMilliseconds: UInt64?
  /// The DTLS handshake was done.
  package var dtlsMilliseconds: UInt64?
  /// The first authenticated voice packet of the client.
  package var firstAudioInMilliseconds: UInt64?
  /// The first voice packet to the client, be it of silence.
  package var firstAudioOutMilliseconds: UInt64?
  /// From the end of the person's speech to the first packet of the answer: the last answer, the
  /// slowest, all of them together.
  package var voiceToVoiceMilliseconds: UInt64?
  package var voiceToVoiceMillisecondsMax: UInt64?
  package var voiceToVoiceMillisecondsSum: UInt64 = 0
  /// Answers that this was measured for.
  package var answers: UInt64 = 0

  package init() {}
}

/// Takes the times. Numbers only.
struct LatencyClock {
  private(set) var figures = LatencyFigures()
  private let born: Instant
  /// The end of the last frame in which the person spoke; nil before, and once it was answered.
  private var speechEnd: Instant?
  private var isSaying = false

  /// A gap in what is said is the beginning of an answer only after a pause of the person; while
  /// both speak at once, nothing answers anything.
  private static let pauseMilliseconds: UInt64 = 100

  init(born: Instant) {
    self.born = born
  }

  mutating func noteStun(at now: Instant) { note(\.firstStunMilliseconds, now) }
  mutating func noteDtls(at now: Instant) { note(\.dtlsMilliseconds, now) }
  mutating func noteAudioIn(at now: Instant) { note(\.firstAudioInMilliseconds, now) }
  mutating func noteAudioOut(at now: Instant) { note(\.firstAudioOutMilliseconds, now) }

  mutating func noteHeard(isSpeech: Bool, at now: Instant) {
    if isSpeech { speechEnd = now }
  }

  mutating func noteSaid(isSpeech: Bool, at now: Instant) {
    let begins = isSpeech && !isSaying
    isSaying = isSpeech
    guard begins, let end = speechEnd else { return }
    let pause = now.milliseconds(since: end)
    guard pause >= Self.pauseMilliseconds else { return }
    speechEnd = nil
    figures.voiceToVoiceMilliseconds = pause
    figures.voiceToVoiceMillisecondsMax = max(figures.voiceToVoiceMillisecondsMax ?? 0, pause)
    figures.voiceToVoiceMillisecondsSum += pause
    figures.answers += 1
  }

  private mutating func note(_ moment: WritableKeyPath<LatencyFigures, UInt64?>, _ now: Instant) {
    guard figures[keyPath: moment] == nil else { return }
    figures[keyPath: moment] = now.milliseconds(since: born)
  }
}
