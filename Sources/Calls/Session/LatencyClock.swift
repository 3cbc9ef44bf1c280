import Wire

/// When what happened first in a call, and how long its answers took. Milliseconds since the
/// session was made, where nothing else is said; nil for what has not happened.
package struct LatencyFigures: Sendable {
  /// The first signed connectivity check.
  package var firstStunMilliseconds: UInt64?
  /// The DTLS handshake was done.
  package var dtlsMilliseconds: UInt64?
  /// The first authenticated voice packet of the client.
  package var firstAudioInMilliseconds: UInt64?
  /// The first voice packet to the client, be it of silence.
  package var firstAudioOutMilliseconds: UInt64?
  /// From the end of the person's speech, as its last packet came, to the first packet of the
  /// answer: the last answer, the slowest, all of them together. What the jitter buffer held back
  /// is in it, the network's way is not.
  package var voiceToVoiceMilliseconds: UInt64?
  package var voiceToVoiceMillisecondsMax: UInt64?
  package var voiceToVoiceMillisecondsSum: UInt64 = 0
  /// Answers that this was measured for.
  package var answers: UInt64 = 0
  /// The last answers' times, in a ring: the time of answer n, counted from 0, is at n modulo the
  /// count.
  package var lastAnswers: [16 of UInt32] = .init(repeating: 0)

  package init() {}

  /// Of all answers, rounded down; nil without any.
  package var voiceToVoiceMillisecondsMean: UInt64? {
    answers > 0 ? voiceToVoiceMillisecondsSum / answers : nil
  }

  /// The last answers' times, the oldest first. Allocates.
  package var lastAnswersInOrder: [UInt32] {
    let count = UInt64(lastAnswers.count)
    return (answers - min(answers, count)..<answers).map { lastAnswers[Int($0 % count)] }
  }
}

/// Takes the times. Numbers only.
struct LatencyClock {
  private(set) var figures = LatencyFigures()
  private let born: Instant
  /// The end of the last frame in which the person spoke; nil before, and once it was answered.
  private var speechEnd: (arrival: Instant, heard: Instant)?
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

  /// - Parameter arrival: when the frame came, which the jitter buffer gives out at `now`.
  mutating func noteHeard(isSpeech: Bool, arrival: Instant, at now: Instant) {
    if isSpeech { speechEnd = (arrival, now) }
  }

  mutating func noteSaid(isSpeech: Bool, at now: Instant) {
    let begins = isSpeech && !isSaying
    isSaying = isSpeech
    guard begins, let end = speechEnd else { return }
    guard now.milliseconds(since: end.heard) >= Self.pauseMilliseconds else { return }
    let pause = now.milliseconds(since: end.arrival)
    speechEnd = nil
    figures.voiceToVoiceMilliseconds = pause
    figures.voiceToVoiceMillisecondsMax = max(figures.voiceToVoiceMillisecondsMax ?? 0, pause)
    figures.voiceToVoiceMillisecondsSum += pause
    let place = Int(figures.answers % UInt64(figures.lastAnswers.count))
    figures.lastAnswers[place] = UInt32(clamping: pause)
    figures.answers += 1
  }

  private mutating func note(_ moment: WritableKeyPath<LatencyFigures, UInt64?>, _ now: Instant) {
    guard figures[keyPath: moment] == nil else { return }
    figures[keyPath: moment] = now.milliseconds(since: born)
  }
}
