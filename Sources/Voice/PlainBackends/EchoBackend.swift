package import Backends
package import Voice
package import Wire

/// Says each frame as it hears it: the shortest way through all of a call.
package final class EchoBackend: Speaker {
  package let rate: PcmRate
  /// One frame waits at most when hearing and playing alternate.
  package let pacerMilliseconds = 200
  package let takesTurns = false
  package let hearsPromptly = false

  /// - Parameter rate: of what it hears and says.
  package init(rate: PcmRate = .hertz48000) {
    self.rate = rate
  }

  package func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    if voice.frame != .silence { unsafe pacer.push(voice.samples) }
    return switch voice.activity {
    case .unchanged: []
    case .started: [.heardStart, .saidStart]
    case .ended: [.heardEnd, .saidEnd]
    }
  }
}
