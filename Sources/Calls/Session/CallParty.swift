import Backends
import Voice
import Wire

/// The answering side of a call as the session keeps it: the backend, what it has said that waits
/// to be played, and when who spoke. Exists from the call's birth, because events and a service may
/// come before the voice.
@safe final class CallParty {
  let backend: any VoiceBackend
  var pacer: Pacer
  var latency: LatencyClock
  /// Clients that can be sent events.
  var clients: Set<ClientID> = []
  private(set) var pacerMillisecondsMax: UInt64 = 0
  private var detector = VoiceActivityDetector()

  init(_ backend: any VoiceBackend, at now: Instant) {
    self.backend = backend
    pacer = Pacer(rate: backend.rate, capacityMilliseconds: backend.pacerMilliseconds)
    latency = LatencyClock(born: now)
  }

  /// Whether a client other than the data channel has joined.
  var hasSidebands: Bool { clients.count > (clients.contains(.channel) ? 1 : 0) }

  /// Gives the backend one frame to hear. `arrival` is when the last packet of it came, about.
  func hear(
    _ samples: UnsafeBufferPointer<Int16>, heard: HeardFrame, arrival: Instant, at now: Instant
  ) {
    let activity = unsafe detector.hear(samples)
    latency.noteHeard(
      isSpeech: detector.isSpeaking && detector.isLoud, arrival: arrival, at: now)
    let voice = unsafe HeardVoice(samples, frame: heard, activity: activity)
    _ = backend.hear(voice, at: now, pacer: &pacer)
  }

  /// Fills one frame with what is to be said; false when that is nothing.
  func say(into frame: UnsafeMutableBufferPointer<Int16>, at now: Instant) -> Bool {
    let speaks = unsafe pacer.pull(into: frame)
    pacerMillisecondsMax = max(pacerMillisecondsMax, pacer.queuedMilliseconds)
    // What talks all the time answers nobody.
    if backend.takesTurns {
      let isAudible = unsafe speaks && Self.isAudible(UnsafeBufferPointer(frame))
      latency.noteSaid(isSpeech: isAudible, at: now)
    }
    return speaks
  }

  /// Some service sends its silence too, with a little noise in it.
  private static func isAudible(_ samples: UnsafeBufferPointer<Int16>) -> Bool {
    unsafe samples.contains { $0 > 64 || $0 < -64 }
  }

  /// The frame of the last `say` is on its way.
  func notePlayed(at now: Instant) {
    backend.played(at: now, pacer: &pacer)
  }
}
