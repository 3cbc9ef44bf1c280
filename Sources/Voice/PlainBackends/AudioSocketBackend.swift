package import Backends
package import Voice
package import Wire

/// A service behind Asterisk's AudioSocket: PCM frames over one TCP connection, both ways.
///
/// We are the side that Asterisk would be: we connect, say the call's UUID, and send a frame each
/// 20 ms. The protocol has no word for an interruption, so our own ear decides: what waits to be
/// played is dropped when the person begins to speak. A service that keeps real time loses nothing
/// by it, and one that is faster would talk on for seconds.
package final class AudioSocketBackend: ServiceSpeaker {
  package let rate: PcmRate
  package let pacerMilliseconds = 30_000
  package let takesTurns = true
  package let hearsPromptly = false

  private let uuid: [UInt8]
  private var link = ServiceLink()
  private var reader = AudioSocketReader()
  private var queue = ActionQueue()
  private var counts = PartyFigures()
  private var isSaying = false
  private var overflowSamples: UInt64 = 0

  /// So much more than fits is no misunderstanding.
  private static let overflowMillisecondsMax: UInt64 = 300_000

  /// `uuid` names the call to the service: 16 bytes.
  package init(rate: PcmRate = .hertz24000, uuid: [UInt8]) {
    precondition(uuid.count == 16, "a UUID has 16 bytes")
    self.rate = rate
    self.uuid = uuid
  }

  // MARK: - Voice

  package func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    if link.isOpen {
      let frame = unsafe AudioSocketFrame.make(voice.samples, rate: rate)
      queue.add(.toService(ServiceMessage(frame, isText: false, isAudio: true)))
    } else {
      counts.unheardMilliseconds += 20
    }
    var events: BackendEvents =
      switch voice.activity {
      case .unchanged: []
      case .started: .heardStart
      case .ended: .heardEnd
      }
    if voice.activity == .started, isSaying {
      counts.interruptions += 1
      counts.droppedMilliseconds += pacer.flush()
      isSaying = false
      events.insert(.interrupted)
    }
    if isSaying == pacer.isEmpty {
      isSaying.toggle()
      events.insert(isSaying ? .saidStart : .saidEnd)
    }
    return events
  }

  // MARK: - Service

  package func begin(at now: Instant) { follow(link.begin(at: now)) }

  package func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {
    switch link.take(news, at: now) {
    case .step(let step): follow(step)
    case .opened:
      reader = AudioSocketReader()
      let name = AudioSocketFrame.make(AudioSocketFrame.uuid, uuid)
      queue.add(.toService(ServiceMessage(name, isText: false, isAudio: false)))
    case .said(let bytes, _):
      link.noteMessage()
      unsafe reader.read(bytes) { type, payload in unsafe take(type, payload, &pacer) }
    case .ended(let reason): finish(.finished(reason))
    }
  }

  private func take(_ type: UInt8, _ payload: UnsafeRawBufferPointer, _ pacer: inout Pacer) {
    guard !link.isLost else { return }
    counts.serviceMessages += 1
    switch type {
    case AudioSocketFrame.audioType(rate): unsafe say(payload, &pacer)
    case AudioSocketFrame.hangUp: finish(.finished("it has hung up"))
    case AudioSocketFrame.error:
      let code = unsafe payload.first.map { " \($0)" } ?? ""
      finish(.failed("it has reported error\(code)"))
    case AudioSocketFrame.uuid, AudioSocketFrame.dtmf: break
    default:
      // Another rate, or a type of the future: nothing that we could play.
      counts.serviceMessages -= 1
      counts.serviceGarbage += 1
    }
  }

  private func say(_ payload: UnsafeRawBufferPointer, _ pacer: inout Pacer) {
    let byteCount = payload.count & ~1
    guard byteCount > 0 else { return }
    // The payload begins at any address.
    unsafe withUnsafeTemporaryAllocation(of: Int16.self, capacity: byteCount / 2) { samples in
      let target = UnsafeMutableRawBufferPointer(samples)
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[..<byteCount]))
      let accepted = unsafe pacer.push(UnsafeBufferPointer(samples))
      let dropped = samples.count - accepted
      if dropped > 0 { noteDropped(dropped) }
    }
  }

  /// One that never keeps pace is left in the end.
  private func noteDropped(_ samples: Int) {
    if overflowSamples == 0 { counts.runaways += 1 }
    overflowSamples += UInt64(samples)
    counts.droppedMilliseconds += rate.milliseconds(samples: UInt64(samples))
    guard rate.milliseconds(samples: overflowSamples) > Self.overflowMillisecondsMax else { return }
    finish(.failed("it does not stop speaking"))
  }

  // MARK: - Ends

  package var deadline: Instant { link.deadline }

  package func handleTimeout(at now: Instant, pacer: inout Pacer) {
    follow(link.handleTimeout(at: now))
  }

  package func end(at now: Instant) {
    let isOpen = link.isOpen
    guard link.close() else { return }
    if isOpen {
      let frame = AudioSocketFrame.make(AudioSocketFrame.hangUp, [])
      queue.add(.toService(ServiceMessage(frame, isText: false, isAudio: false)))
    }
    queue.add(.closeService)
  }

  private func finish(_ reason: PartyEnd) {
    if link.close() { queue.add(.closeService) }
    queue.add(.endCall(reason))
  }

  private func follow(_ step: ServiceLink.Step) {
    switch step {
    case .nothing: break
    case .open: queue.add(.openService)
    case .close: queue.add(.closeService)
    case .giveUp(let reason):
      queue.add(.closeService)
      queue.add(.endCall(.failed(reason)))
    }
  }

  package func nextAction() -> PartyAction? { queue.next() }

  package var figures: PartyFigures {
    var figures = counts
    figures.serviceAttempts = link.attempts
    return figures
  }
}
