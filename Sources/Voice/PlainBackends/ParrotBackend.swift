package import Backends
package import Voice
package import Wire

/// Waits for the end of your turn, says it back, and stops at once when you interrupt.
///
/// It shows turn-taking with nothing installed. A turn is what lies between the detector's start
/// and end, with a little of the sound from before the start, which the detector needed to decide.
/// What a loudspeaker returns counts as an interruption: cancelling echo is the client's work.
@safe package final class ParrotBackend: Speaker {
  package let rate: PcmRate
  /// As long as the longest turn.
  package let pacerMilliseconds: Int
  package let takesTurns = true
  package let hearsPromptly = false

  private var isListening = false
  private let turn: UnsafeMutableBufferPointer<Int16>
  private var turnCount = 0
  private let leadCount: Int
  private var isSaying = false

  /// Sound kept from before the detector noticed: what it takes to notice, and a soft first sound.
  private static let leadMilliseconds = 200

  /// A turn is cut at `turnMilliseconds`; what is said after that until the pause is not kept.
  package init(rate: PcmRate = .hertz24000, turnMilliseconds: Int = 30_000) {
    precondition(turnMilliseconds > Self.leadMilliseconds, "no turn is that short")
    self.rate = rate
    pacerMilliseconds = turnMilliseconds
    leadCount = rate.sampleCount(milliseconds: Self.leadMilliseconds)
    unsafe turn = .allocate(capacity: rate.sampleCount(milliseconds: turnMilliseconds))
  }

  deinit {
    unsafe turn.deallocate()
  }

  package func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    unsafe record(voice.samples)
    var events = update(voice.activity, &pacer)
    if isSaying, pacer.isEmpty {
      isSaying = false
      events.insert(.saidEnd)
    }
    return events
  }

  private func update(_ activity: VoiceActivity, _ pacer: inout Pacer) -> BackendEvents {
    switch activity {
    case .unchanged:
      return []
    case .started:
      isListening = true
      guard isSaying else { return .heardStart }
      pacer.flush()
      isSaying = false
      return [.heardStart, .interrupted]
    case .ended:
      isListening = false
      unsafe pacer.push(UnsafeBufferPointer(rebasing: turn[0..<turnCount]))
      pacer.finish()
      turnCount = 0
      isSaying = true
      return [.heardEnd, .saidStart]
    }
  }

  /// Keeps the frame: all of a turn, else only the lead.
  private func record(_ frame: UnsafeBufferPointer<Int16>) {
    if !isListening, turnCount + frame.count > leadCount {
      let surplus = turnCount + frame.count - leadCount
      turnCount -= surplus
      let start = unsafe turn.baseAddress!
      unsafe start.update(from: start + surplus, count: turnCount)
    }
    guard unsafe turnCount + frame.count <= turn.count else { return }
    unsafe (turn.baseAddress! + turnCount).update(from: frame.baseAddress!, count: frame.count)
    turnCount += frame.count
  }
}
