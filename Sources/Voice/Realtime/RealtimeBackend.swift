package import Backends
import Json
package import Voice
package import Wire

/// A service that speaks the Realtime events over a WebSocket, as the answering side of a call.
///
/// The voice goes up as `input_audio_buffer.append`, each frame of 20 ms as soon as it has come,
/// since an interruption is noticed no sooner; it comes down as `response.output_audio.delta` into
/// the pacer. Every other event passes between clients and service unchanged and in order, with
/// three exceptions: clients' `input_audio_buffer.append` (the voice is on the media track) and
/// `output_audio_buffer.clear` (the pacer is here) do not go up, and sound does not go down to
/// clients. What only this side knows is added:
/// `output_audio_buffer.started`, `.stopped`, `.cleared`, `conversation.item.truncate` with the
/// milliseconds that were really played, and, behind a `session.update` that names another audio
/// format than the line to the service has, one that sets it right.
package final class RealtimeBackend: VoiceBackend {
  package let rate: PcmRate
  /// 30 s of speech are 30 s of memory; an answer of which more waits is cut off.
  package let pacerMilliseconds = 30_000
  package let takesTurns = true
  package let hearsPromptly = true

  var events: RealtimeEvents
  var link = ServiceLink()
  var queue = ActionQueue()
  var counts = PartyFigures()
  var clients: Set<ClientID> = []
  let configuration: [UInt8]
  /// Events of clients that wait for the service, and are kept until it has said something.
  var held: [[UInt8]] = []
  var heldByteCount = 0
  /// The session as the service last told it, for clients that join later.
  var session: [UInt8] = []
  var interruptsOnSpeech = true
  /// The response that the service has begun and not ended.
  var activeResponse: [UInt8] = []
  var ledger = PlayLedger()
  var decoder = PcmDecoder()
  var playedSamples: UInt64 = 0
  var garbageInRow = 0
  var droppedInRow: UInt64 = 0
  var garbageReportedAt: Instant?
  /// Why the call is ending, for a client that comes late.
  var lastWord: RealtimeError?

  /// Events of clients that may wait for the service.
  static let heldMax = 128
  static let heldByteCountMax = 1 << 20
  /// A session that is longer is not told to clients that join later.
  static let sessionByteCountMax = 512 << 10
  /// So many messages without sense, one after the other, are no conversation.
  static let garbageMax = 32
  /// A service that sends ten times more after its answer was cut off will not stop.
  static let droppedMillisecondsMax: UInt64 = 300_000
  /// Reports of senseless messages to clients are so far apart.
  static let garbageReportMilliseconds: UInt64 = 1_000

  /// `rate` is the service's, both ways. A service whose session begins with another is told.
  package init(rate: PcmRate = .hertz24000, call: RealtimeCall) {
    self.rate = rate
    events = RealtimeEvents(identity: call.identity)
    configuration = call.session
  }

  // MARK: - Voice

  package func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    if link.isOpen {
      let event = unsafe PcmText.appendEvent(voice.samples)
      queue.add(.toService(ServiceMessage(event, isText: true, isAudio: true)))
    } else {
      counts.unheardMilliseconds += 20
    }
    return []
  }

  package func played(at now: Instant, pacer: inout Pacer) {
    let count = pacer.playedSamples - playedSamples
    guard count > 0 else { return }
    playedSamples = pacer.playedSamples
    ledger.play(count) { tell($0) }
    // An answer that was cut off as too long has been heard as far as it was taken: the service
    // must know where it ended.
    ledger.takeCutOff { truncate($0) }
  }

  func tell(_ change: PlayLedger.Change) {
    switch change {
    case .started(let response): tellOutputBuffer("started", response)
    case .stopped(let response): tellOutputBuffer("stopped", response)
    }
  }

  func tellOutputBuffer(_ what: String, _ response: [UInt8]) {
    guard !clients.isEmpty else { return }
    queue.add(.toClients(events.outputBuffer(what, response: response)))
  }

  private func truncate(_ utterance: PlayLedger.Utterance) {
    guard !utterance.item.isEmpty else { return }
    let event = events.truncate(
      utterance, milliseconds: rate.milliseconds(samples: utterance.played))
    sendToService(event.bytes)
  }

  /// Drops what waits, tells the service how much of it was heard, and clients that it is gone.
  /// False when there was nothing to interrupt.
  func interrupt(_ pacer: inout Pacer, at now: Instant) -> Bool {
    played(at: now, pacer: &pacer)
    counts.droppedMilliseconds += pacer.flush()
    decoder.restart()
    guard let response = ledger.interrupt({ truncate($0) }) else { return false }
    counts.interruptions += 1
    tellOutputBuffer("cleared", response)
    return true
  }

  // MARK: - Service

  package func begin(at now: Instant) { follow(link.begin(at: now)) }

  package func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {
    switch link.take(news, at: now) {
    case .step(let step): follow(step)
    case .opened: sendHeld()
    case .said(let bytes, let isText):
      take(serviceMessage: bytes, isText: isText, at: now, pacer: &pacer)
    case .ended(let reason): sayEnd(.finished(reason), .serviceEnded(reason))
    }
  }

  func sendToService(_ bytes: [UInt8]) {
    guard link.isOpen else { return }
    queue.add(.toService(ServiceMessage(bytes, isText: true, isAudio: false)))
  }

  /// The session that the call was made with, then what clients have said meanwhile.
  private func sendHeld() {
    if let update = events.sessionUpdate(configuration) { sendToService(event: update.bytes) }
    for event in held { sendToService(event: event) }
  }

  /// Sends a client's event as it is, and behind it what sets right what it must not change.
  func sendToService(event bytes: [UInt8]) {
    guard link.isOpen else { return }
    sendToService(bytes)
    let span = unsafe bytes.span.bytes
    guard let members = JsonText.members(of: span),
      JsonText.equals(members.value("type", in: span), "session.update", in: span)
    else { return }
    correctFormats(of: members.value("session", in: span), span)
  }

  /// Tells the service what the line to it carries when `session` says otherwise: one that clients
  /// ask for, or the one that a service begins with.
  func correctFormats(of session: JsonPart?, _ bytes: RawSpan) {
    let formats = SessionFormats(session, in: bytes, rate: rate)
    guard let right = formats.correction(rate: rate) else { return }
    sendToService(events.correction(right).bytes)
  }

  // MARK: - Ends

  package var deadline: Instant { link.deadline }

  package func handleTimeout(at now: Instant, pacer: inout Pacer) {
    follow(link.handleTimeout(at: now))
  }

  private func follow(_ step: ServiceLink.Step) {
    switch step {
    case .nothing: break
    case .open: queue.add(.openService)
    case .close: queue.add(.closeService)
    case .giveUp(let reason): giveUp(reason)
    }
  }

  /// Ends the call because the service is not there, or not to be borne.
  func giveUp(_ reason: String) {
    _ = link.close()
    queue.add(.closeService)
    sayEnd(.failed(reason), .serviceLost(reason))
  }

  private func sayEnd(_ reason: PartyEnd, _ error: RealtimeError) {
    guard lastWord == nil else { return }
    held = []
    lastWord = error
    if !clients.isEmpty { queue.add(.toClients(events.error(error))) }
    queue.add(.endCall(reason))
  }

  package func end(at now: Instant) {
    if link.close() { queue.add(.closeService) }
  }

  package func nextAction() -> PartyAction? { queue.next() }

  package var figures: PartyFigures {
    var figures = counts
    figures.serviceAttempts = link.attempts
    return figures
  }
}
