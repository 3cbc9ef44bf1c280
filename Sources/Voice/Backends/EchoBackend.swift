package import Voice
package import Wire

/// Says each frame as it hears it: the shortest way through all of a call.
package final class EchoBackend: VoiceBackend {
  package let rate: PcmRate
  /// One frame waits at most when hearing and playing alternate.
  package let pacerMilliseconds = 200

  private var isSaying = false

  private static let started: BackendEvents = [.heardStart, .saidStart]
  private static let ended: BackendEvents = [.heardEnd, .saidEnd]

  package init(rate: PcmRate = .hertz48000) {
    self.rate = rate
  }

  package func hear(
    _ frame: UnsafeBufferPointer<Int16>, heard: HeardFrame, at now: Instant, pacer: inout Pacer
  ) -> BackendEvents {
    let isSound = heard != .silence
    if isSound { unsafe pacer.push(frame) }
    guard isSound != isSaying else { return BackendEvents(rawValue: 0) }
    isSaying = isSound
    return isSound ? Self.started : Self.ended
  }
}
