import Backends
import CallClient
import Dtls
import Sctp
import Session
import TestSupport
import Wire

/// Everything that a session wants done in one call, a line each, in order and with its virtual
/// time in milliseconds since the call began.
final class CallJournal {
  private(set) var lines: [String] = []
  private var start = Instant(nanoseconds: 0)
  private var datagrams: DatagramText?
  private var path: PathID?
  private var caller = Digest()
  private var callerCounts: [DatagramKind: Int] = [:]

  /// Begins a call; its endpoint is listened to.
  func tap(_ dtls: any DtlsEndpoint, since now: Instant) -> any DtlsEndpoint {
    let tapped = TappedDtls(dtls)
    datagrams = DatagramText(tapped)
    (start, path, caller, callerCounts) = (now, nil, Digest(), [:])
    return tapped
  }

  func title(_ text: String) { lines.append("# \(text)") }

  func note(_ text: String, at now: Instant) {
    let microseconds = now.nanoseconds(since: start) / 1_000
    let fraction = String(microseconds % 1_000 + 1_000).dropFirst()
    lines.append("\(microseconds / 1_000).\(fraction) \(text)")
  }

  // MARK: - What the session does

  func note(_ item: SessionOutbox.Item, _ bytes: [UInt8], at now: Instant) {
    if item.path != path {
      path = item.path
      note("path \(Self.text(item.path))", at: now)
    }
    if item.ended { return note("path-ended", at: now) }
    guard let text = datagrams?.line(bytes) else { return }
    note("-> \(text)\(item.proven ? "" : " unproven")", at: now)
  }

  func note(_ events: [SessionEvent], _ actions: [PartyAction], at now: Instant) {
    for event in events { note("event \(Self.text(event))", at: now) }
    for action in actions { note(Self.text(action), at: now) }
  }

  // MARK: - What the caller does and hears

  func note(_ event: CallerChannelEvent, at now: Instant) {
    switch event {
    case .opened(let channel): note("channel \(channel) opened", at: now)
    case .message(let channel, let kind, let bytes):
      note("channel \(channel) hears \(kind == .text ? "text" : "binary") " + cut(bytes), at: now)
    case .closed(let channel): note("channel \(channel) closed", at: now)
    case .lost: note("channels lost", at: now)
    }
  }

  /// Of the caller's datagrams the sum is kept. DTLS lengths are OpenSSL's.
  func noteCaller(_ bytes: [UInt8], at now: Instant) {
    let kind = DatagramKind.classify(firstByte: bytes[0])
    callerCounts[kind, default: 0] += 1
    caller.add("\(now.nanoseconds(since: start)) ".utf8)
    switch kind {
    case .stun: caller.add(bytes)
    case .media: caller.add([UInt8(bytes.count & 255), UInt8(bytes.count >> 8)])
    case .dtls, .other: caller.add([bytes[0]])
    }
  }

  /// Ends a call: what is left to say of it.
  func finish(_ call: CallPair) {
    let counts = [("stun", DatagramKind.stun), ("dtls", .dtls), ("media", .media)].map {
      "\($0) \(callerCounts[$1, default: 0])"
    }
    note("caller sent \(counts.joined(separator: " ")) ~\(caller.text)", at: call.now)
    note("end \(call.session.end.map(Self.text) ?? "none")", at: call.now)
    lines += FiguresText.lines(call.session.figures)
    lines += FiguresText.lines(call.client.figures)
  }

  // MARK: - Words

  private static func text(_ path: PathID) -> String {
    "relay \(path.relay) ingress \(path.ingress) listener \(path.listener) client \(path.client)"
  }

  /// OpenSSL's own reason, which comes last, is worded in another way by other releases.
  private static func text(_ end: SessionEnd) -> String {
    guard var clauses = end.detail?.split(separator: ":").map(String.init) else { return end.name }
    if case .dtlsFailed = end, clauses.count > 1 { clauses[clauses.count - 1] = " *" }
    return "\(end.name) (\(clauses.joined(separator: ":")))"
  }

  private static func text(_ event: SessionEvent) -> String {
    switch event {
    case .reached(let path): "reached \(text(path))"
    case .connected(let path, let after, let profile):
      "connected \(text(path)) after \(after) profile \(profile)"
    case .channelOpened(let label, let after): "channel-opened \(label) after \(after)"
    case .channelsLost(let why, let after): "channels-lost \(why) after \(after)"
    case .recordForged(let path, let after): "record-forged \(text(path)) after \(after)"
    case .moved(let path): "moved \(text(path))"
    case .ended(let end, let after): "ended \(text(end)) after \(after)"
    }
  }

  private static func text(_ action: PartyAction) -> String {
    switch action {
    case .toClients(let event): "to all clients " + cut(event.bytes)
    case .toClient(.channel, let event): "to the channel " + cut(event.bytes)
    case .toClient(.sideband(let number), let event):
      "to sideband \(number) " + cut(event.bytes)
    case .openService: "open service"
    case .closeService: "close service"
    case .toService(let message) where message.isAudio:
      "service audio ~\(message.bytes.count):\(Digest.text(message.bytes))"
    case .toService(let message) where message.isText: "service text " + cut(message.bytes)
    case .toService(let message): "service bytes " + hex(message.bytes)
    case .endCall(.finished(let why)): "end call finished \(why)"
    case .endCall(.failed(let why)): "end call failed \(why)"
    }
  }
}

/// A text as it is, or its beginning and its digest.
private func cut(_ bytes: [UInt8]) -> String {
  let text = String(decoding: bytes.prefix(400), as: UTF8.self)
  return bytes.count <= 400 ? text : "\(text)... \(bytes.count) \(Digest.text(bytes))"
}
