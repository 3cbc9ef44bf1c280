import Backends
import CallClient
import Dtls
import Ice
import Json
import Realtime
import Sctp
import Sdp
import Session
import Voice
import Wire

/// A session and a caller on a virtual clock, joined by a network that a test may disturb.
final class CallPair {
  enum Way: Hashable { case up, down }

  /// One datagram on its way, and how many went that way before it.
  struct Datagram {
    var way: Way
    var index: Int
    var bytes: [UInt8]
  }

  static let relay = TransportAddress(ipv4: 0x7F00_0001, port: 4_000)
  static let identity = try! DtlsIdentity.generate()
  static let callerIdentity = try! DtlsIdentity.generate()
  static let tone = EncodedTone(hertz: 450)

  let session: CallSession
  let client: CallClient
  /// Where the caller's datagrams seem to come from; a NAT may change it.
  var clientAddress = TransportAddress(ipv4: 0xC000_0201, port: 50_000)
  /// The session's timers are not looked at before: its thread is held up.
  var sessionWakes = Instant(nanoseconds: 0)
  /// When each copy of a datagram arrives, in milliseconds; empty for a lost one.
  var network: (Datagram) -> [UInt64]
  private(set) var now = Instant(nanoseconds: 5_000_000_000)
  private(set) var events: [SessionEvent] = []
  /// Every datagram of either side, lost ones too.
  private(set) var sent: [Datagram] = []
  private(set) var endedPaths: [PathID] = []
  /// What the answering side wanted done.
  private(set) var actions: [PartyAction] = []
  /// What the caller's data channels told, as long as it reads them.
  private(set) var heard: [CallerChannelEvent] = []
  var readsChannels = true
  let start: Instant
  /// Told of everything, where somebody wants to know.
  private let journal: CallJournal?
  private var outbox = SessionOutbox()
  private var inFlight: [(at: Instant, order: Int, to: TransportAddress, datagram: Datagram)] = []
  private var counts: [Way: Int] = [:]
  private var order = 0

  init(
    setup: CallClientOptions.Setup = .actpass, backend: BackendKind = .echo,
    answering: (any VoiceBackend)? = nil, keepsConsent: Bool = true, seed: UInt64 = 1,
    channels: [CallerChannelOptions] = [],
    expecting identity: DtlsIdentity = CallPair.callerIdentity, journal: CallJournal? = nil,
    network: @escaping (Datagram) -> [UInt64] = { _ in [1] },
    offering prepare: (inout CallClientOptions) -> Void = { _ in },
    change: (inout SessionParameters) -> Void = { _ in },
    dtls wrap: (OpenSslDtls) -> any DtlsEndpoint = { $0 }
  ) throws {
    self.journal = journal
    var options = CallClientOptions()
    options.setup = setup
    options.channels = channels
    options.keepsConsent = keepsConsent
    prepare(&options)
    var random = SeededRandom(seed: seed)
    client = CallClient(
      tone: Self.tone, identity: Self.callerIdentity, options: options, random: &random)
    start = now
    self.network = network
    let offer = try CallOffer.parse(client.offer)
    var parameters = Self.parameters(
      for: offer, of: client.offer.utf8.count, expecting: identity, seed)
    change(&parameters)
    let seedBytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    let dtls = try OpenSslDtls(
      identity: Self.identity,
      configuration: DtlsConfiguration(
        role: parameters.dtlsRole, fingerprints: parameters.remoteFingerprints),
      seed: seedBytes)
    let answering =
      answering
      ?? BackendSettings(backend).makeRealtimeBackend(
        RealtimeCall(identity: Array(seedBytes[..<16])))
    let endpoint = journal?.tap(wrap(dtls), since: now) ?? wrap(dtls)
    session = CallSession(parameters: parameters, backend: answering, dtls: endpoint, at: now)
    try client.accept(answer: Self.answer(to: offer), at: now)
    collect()
  }

  private static let ufrag = "1abcdefghijklmnopqrstuv"
  private static let password = "abcdefghijklmnopqrstuvwxyz012345"

  private static func parameters(
    for offer: CallOffer, of offerByteCount: Int, expecting identity: DtlsIdentity, _ seed: UInt64
  ) -> SessionParameters {
    var channels: ChannelParameters?
    if let offered = offer.channels {
      channels = ChannelParameters(eventLabel: "oai-events")
      channels?.peerMessageBytesMax = offered.messageBytesMax
    }
    var parameters = SessionParameters(
      local: IceCredentials(ufrag: ufrag, password: password),
      remote: IceCredentials(ufrag: offer.iceUfrag, password: offer.icePwd),
      offerByteCount: offerByteCount, remoteFingerprints: [identity.fingerprint()],
      dtlsRole: offer.setup.answer == .active ? .active : .passive,
      opusPayloadType: offer.opus.payloadType, ssrc: 0x1234_5678, cname: "martlet",
      channels: channels, seed: [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 16))
    parameters.redPayloadTypes = offer.heardRedPayloadTypes
    parameters.redPayloadType = offer.spokenLine?.redPayloadType
    parameters.asksForResends = offer.asksForResends
    parameters.transportSequenceExtension = offer.spokenLine?.transportSequenceExtension
    return parameters
  }

  private static func answer(to offer: CallOffer) -> String {
    CallAnswer(
      iceUfrag: ufrag, icePwd: password,
      fingerprint: Fingerprint(.sha256, bytes: identity.fingerprint().digest)!,
      candidates: [CallAnswer.Candidate(address: "127.0.0.1", port: 3_478)],
      ssrc: 0x1234_5678, streamName: "martlet", sessionNumber: 1
    ).render(to: offer)
  }

  // MARK: - Time

  var elapsedMilliseconds: UInt64 { now.milliseconds(since: start) }
  var isConnected: Bool { session.isConnected && client.state == .connected }
  var path: PathID {
    PathID(relay: Self.relay, ingress: 1, listener: 0, client: clientAddress)
  }

  /// Runs the virtual clock until `condition` holds or `milliseconds` more have passed.
  func run(_ milliseconds: UInt64, until condition: () -> Bool = { false }) {
    let end = now.advanced(byMilliseconds: milliseconds)
    while !condition() {
      let arrival = inFlight.first?.at ?? .never
      let next = min(arrival, max(session.deadline, sessionWakes), client.deadline)
      guard next <= end else {
        now = end
        return
      }
      now = max(now, next)
      step()
    }
  }

  private func step() {
    while let first = inFlight.first, first.at <= now {
      inFlight.removeFirst()
      deliver(first.datagram, to: first.to)
    }
    if session.deadline <= now, sessionWakes <= now {
      session.handleTimeout(at: now, into: &outbox)
    }
    if client.deadline <= now { client.handleTimeout(at: now) }
    collect()
  }

  private func deliver(_ datagram: Datagram, to address: TransportAddress) {
    switch datagram.way {
    case .up: inject(datagram.bytes)
    case .down:
      // What goes to an address that the caller has left is gone.
      guard address == clientAddress else { return }
      var bytes = datagram.bytes
      unsafe bytes.withUnsafeMutableBytes {
        unsafe client.handle($0, from: TransportAddress(ipv4: 0x7F00_0001, port: 3_478), at: now)
      }
    }
    collect()
  }

  /// Hands the session a datagram as if it had come by `path`, the caller's own unless given.
  @discardableResult
  func inject(_ bytes: [UInt8], by path: PathID? = nil) -> CallSession.Verdict {
    var bytes = bytes
    let from = path ?? self.path
    let verdict = unsafe bytes.withUnsafeMutableBytes {
      unsafe session.handle($0, from: from, at: now, into: &outbox)
    }
    collect()
    return verdict
  }

  func hangUp(_ reason: SessionEnd = .hungUp) {
    session.hangUp(reason, at: now, into: &outbox)
    collect()
  }

  // MARK: - Events

  func join(_ client: ClientID = .sideband(1)) {
    session.clientJoined(client, at: now, into: &outbox)
    collect()
  }

  func tell(_ text: String, from client: ClientID = .sideband(1)) {
    session.handle(clientEvent: Array(text.utf8), from: client, at: now, into: &outbox)
    collect()
  }

  func news(_ news: ServiceNews) {
    session.handle(serviceNews: news, at: now, into: &outbox)
    collect()
  }

  // MARK: - Data channels

  /// The caller says a text on one of its channels.
  @discardableResult
  func say(_ text: String, on channel: Int = 0) -> SctpSendVerdict {
    defer { collect() }
    return client.send(Array(text.utf8), onChannel: channel, at: now)
  }

  /// The texts that came by one of the caller's channels, without what its tone causes.
  func texts(_ channel: Int = 0) -> [String] {
    heard.compactMap { event in
      guard case .message(channel, .text, let bytes) = event else { return nil }
      let text = String(decoding: bytes, as: UTF8.self)
      let isAboutVoice = ["input_audio_", "output_audio_", "response."].contains {
        Self.type(text).hasPrefix($0)
      }
      return isAboutVoice ? nil : text
    }
  }

  /// The types of the same.
  func types(_ channel: Int = 0) -> [String] { texts(channel).map(Self.type) }

  static func type(_ event: String) -> String {
    (try? JsonValue.parse(Array(event.utf8)))?["type"]?.text ?? event
  }

  // MARK: - Network

  /// Puts on the wire what both sides want to send.
  func collect() {
    for index in 0..<outbox.count {
      let item = outbox.item(index)
      unsafe journal?.note(item, Array(outbox.bytes(index)), at: now)
      if item.ended {
        endedPaths.append(item.path)
      } else {
        post(.down, unsafe Array(outbox.bytes(index)), to: item.path.client)
      }
    }
    journal?.note(outbox.events, outbox.actions, at: now)
    events += outbox.events
    actions += outbox.actions
    outbox.clear()
    while readsChannels, let event = client.nextChannelEvent(at: now) {
      journal?.note(event, at: now)
      heard.append(event)
    }
    var buffer = [UInt8](repeating: 0, count: 1_536)
    while let next = unsafe buffer.withUnsafeMutableBytes({ unsafe client.nextDatagram(into: $0) })
    {
      post(.up, Array(buffer[..<next.length]), to: next.to)
    }
  }

  private func post(_ way: Way, _ bytes: [UInt8], to address: TransportAddress) {
    let datagram = Datagram(way: way, index: counts[way, default: 0], bytes: bytes)
    counts[way, default: 0] += 1
    sent.append(datagram)
    if way == .up { journal?.noteCaller(bytes, at: now) }
    for delay in network(datagram) {
      order += 1
      inFlight.append((now.advanced(byMilliseconds: delay), order, address, datagram))
    }
    inFlight.sort { ($0.at, $0.order) < ($1.at, $1.order) }
  }
}
