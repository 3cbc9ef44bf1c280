import CallClient
import Wire

/// How one call of a load run ended.
struct LoadResult: Sendable {
  /// What went wrong; nil for a call that connected and was hung up by us.
  var failure: String?
  var figures: CallClientFigures

  /// Connected, and its own tone came back for nine tenths of the time since it was first heard,
  /// which is at least half of the call.
  func isGood(seconds: Int) -> Bool {
    let windows = seconds * 5  // of 200 ms
    return failure == nil && figures.tone.windows * 2 >= windows
      && figures.tone.rightWindows * 10 >= figures.tone.windows * 9
  }
}

/// A call in progress: the caller, its socket's index in the loop, and when it hangs up.
struct LoadCall {
  let client: CallClient
  let socket: UInt16
  var hangUpAt: Instant?
  /// Its result has been noted.
  var isCounted = false
}

extension CallClientEnd {
  /// Nil for an end that we wanted.
  var failure: String? {
    switch self {
    case .hungUp: nil
    case .endedByServer: "the server ended the call"
    case .neverConnected: "no connection"
    case .consentLost: "the server stopped answering"
    case .dtlsFailed(let failure): "DTLS failed: \(failure)"
    }
  }
}
