import Backends
import Json
import Voice
import Wire

/// A second dialect, as small as it can be, with the habits of the Live API, which are the opposite
/// of Realtime's: both sides speak at once and all the time, the service's voice is one track
/// without answers in it, nobody says that somebody was interrupted, and the voice towards the
/// service is its clock, so that silence goes up too.
final class SteadyDialect: VoiceBackend {
  let rate = PcmRate.hertz24000
  /// The service keeps real time; this is for its haste.
  let pacerMilliseconds = 2_000
  let takesTurns = false
  let hearsPromptly = false
  let deadline = Instant.never
  private(set) var playedSamples: UInt64 = 0
  private(set) var figures = PartyFigures()
  private var queue = ActionQueue()
  private var clients: Set<ClientID> = []
  private var started: EventMessage?
  private var isOpen = false

  // MARK: - Voice

  func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    guard isOpen else { return [] }
    let sound = unsafe Base64.text(Array(voice.samples))
    tell(service: #"{"type":"session.input_audio.append","audio":"\#(sound)"}"#, isAudio: true)
    return []
  }

  func played(at now: Instant, pacer: inout Pacer) { playedSamples = pacer.playedSamples }

  // MARK: - Service

  func begin(at now: Instant) { queue.add(.openService) }

  func serviceNews(_ news: ServiceNews, at now: Instant, pacer: inout Pacer) {
    switch news {
    case .opened:
      isOpen = true
      tell(service: #"{"type":"session.start","session":{"model":"steady"}}"#)
    case .message(let bytes, _): take(bytes, &pacer)
    case .closed(let why), .failed(let why): queue.add(.endCall(.failed(why)))
    }
  }

  private func take(_ bytes: [UInt8], _ pacer: inout Pacer) {
    let event = try? JsonValue.parse(bytes)
    switch event?["type"]?.text {
    case "session.output_audio.delta":
      let samples = Base64.samples(event?["delta"]?.text ?? "")
      unsafe samples.withUnsafeBufferPointer { _ = unsafe pacer.push($0) }
    case "session.closed":
      queue.add(.toClients(EventMessage(bytes)))
      queue.add(.endCall(.finished("closed")))
    case "session.started":
      started = EventMessage(bytes)
      fallthrough
    default: queue.add(.toClients(EventMessage(bytes)))
    }
  }

  func end(at now: Instant) { queue.add(.closeService) }

  // MARK: - Clients

  func clientJoined(_ client: ClientID, at now: Instant) {
    clients.insert(client)
    if let started { queue.add(.toClient(client, started)) }
  }

  func clientLeft(_ client: ClientID, at now: Instant) { clients.remove(client) }

  /// The voice is on the media track, and the session is started by this side.
  func clientEvent(
    _ bytes: [UInt8], from client: ClientID, at now: Instant, pacer: inout Pacer
  ) {
    let event = try? JsonValue.parse(bytes)
    switch event?["type"]?.text {
    case "session.start", "session.input_audio.append":
      let name = event?["event_id"]?.text ?? ""
      let error = #"{"type":"error","error":{"code":"refused","client_event_id":"\#(name)"}}"#
      queue.add(.toClient(client, EventMessage(Array(error.utf8))))
    default: queue.add(.toService(ServiceMessage(bytes, isText: true, isAudio: false)))
    }
  }

  // Its events are short, and nothing is due at any time.
  func eventTooLong(
    for client: ClientID, byteCount: Int, byteCountMax: Int, at now: Instant
  ) {}
  func handleTimeout(at now: Instant, pacer: inout Pacer) {}

  func nextAction() -> PartyAction? { queue.next() }

  private func tell(service text: String, isAudio: Bool = false) {
    queue.add(.toService(ServiceMessage(Array(text.utf8), isText: true, isAudio: isAudio)))
  }
}
