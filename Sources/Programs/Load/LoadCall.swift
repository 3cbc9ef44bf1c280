import CallClient
import Json
import Wire

/// How one call of a load run ended.
struct LoadResult: Sendable {
  /// What went wrong; nil for a call that connected and was hung up by us.
  var failure: String?
  var figures: CallClientFigures
  /// From session.update to session.updated, when events were asked for and it came.
  var updateMicroseconds: UInt64?
  /// The codes of the `error` events that came, each once.
  var errorCodes: [String] = []
  /// For so much of the time the tone must have come back.
  var rightTenthsMin = VoiceLoss(percent: 0).rightTenthsMin

  /// Connected, and its own tone came back for `rightTenthsMin` of the time since it was first
  /// heard, which is all of the call but its first two seconds, and at least half of it.
  func isGood(seconds: Int) -> Bool {
    let windows = seconds * 5  // of 200 ms
    return failure == nil && figures.tone.windows >= max(windows - 10, (windows + 1) / 2)
      && figures.tone.rightWindows * 10 >= figures.tone.windows * rightTenthsMin
  }
}

/// A call in progress: the caller, its sockets' indices in the loop, and what it does when.
struct LoadCall {
  let client: CallClient
  let sockets: LoadSockets
  /// When it says nothing more, and when it hangs up whatever is still unknown.
  var silentAt: Instant?
  var hangUpAt: Instant?
  /// Its result has been noted.
  var isCounted = false
  var events = LoadEvents()
}

/// The sockets of one call in the loop, one for each kind of address that its server has.
struct LoadSockets {
  var ipv4: UInt16?
  var ipv6: UInt16?

  /// Nil where this machine has no such addresses.
  func index(towards address: TransportAddress) -> UInt16? { address.isIPv4 ? ipv4 : ipv6 }
}

/// The events of one call: as its data channel opens an update of the session is asked for, as the
/// official SDKs do it.
struct LoadEvents {
  private var askedAt: Instant?
  private(set) var updateMicroseconds: UInt64?
  /// Each once, and the first eight.
  private(set) var errorCodes: [String] = []

  private static let update = Array(
    #"{"type":"session.update","session":{"type":"realtime","instructions":"Sing."}}"#.utf8)

  mutating func heed(_ client: CallClient, at now: Instant) {
    while let event = client.nextChannelEvent(at: now) {
      switch event {
      case .opened:
        askedAt = now
        _ = client.send(Self.update, at: now)
      case .message(_, _, let bytes): take(bytes, at: now)
      case .closed, .lost: break
      }
    }
  }

  private mutating func take(_ event: [UInt8], at now: Instant) {
    let span = unsafe event.span.bytes
    guard let members = JsonText.members(of: span) else { return }
    let type = members.value("type", in: span)
    if let askedAt, updateMicroseconds == nil, JsonText.equals(type, "session.updated", in: span) {
      updateMicroseconds = now.nanoseconds(since: askedAt) / 1_000
    } else if JsonText.equals(type, "error", in: span),
      let error = members.value("error", in: span),
      let code = JsonText.members(of: error, in: span)?.value("code", in: span),
      let text = JsonText.text(code, in: span, byteCountMax: 64)
    {
      if errorCodes.count < 8, !errorCodes.contains(text) { errorCodes.append(text) }
    }
  }
}

extension CallClientEnd {
  /// Nil for an end that we wanted.
  var failure: String? {
    switch self {
    case .hungUp: nil
    case .endedByServer: "the server ended the call"
    case .neverConnected: "not connected"
    case .consentLost: "the server stopped answering"
    case .dtlsFailed(let failure): "DTLS failed: \(failure)"
    }
  }
}
