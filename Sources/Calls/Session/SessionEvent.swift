package import Wire

/// Why a call ended. Every session ends for exactly one of these, and it is logged.
package enum SessionEnd: Equatable, Sendable {
  /// Somebody asked for it through the API.
  case hungUp
  /// The client closed its side (DTLS close_notify).
  case clientClosed
  /// The client gave no sign of life for 30 s (RFC 7675): no check, no answer to one of ours, no
  /// protected packet newer than all before it.
  case consentLost
  /// The client's certificate is not the one that its offer names (RFC 8122).
  case fingerprintMismatch
  /// The client does not bind its keys to the handshake (RFC 7627).
  case noExtendedMasterSecret
  /// The DTLS handshake failed for good in another way; the text says why.
  case dtlsFailed(String)
  /// No media path came up in the time allowed after the answer.
  case neverConnected
  /// The transceiver is stopping.
  case shuttingDown
  /// Who answered had no more to say, or ended the call; the text says why.
  case backendFinished(String)
  /// Who answers is not there, or failed for good; the text says why.
  case backendFailed(String)
  /// The longest allowed session is over.
  case tooLong

  /// One word for logs and for machines.
  package var name: String {
    switch self {
    case .hungUp: "hung-up"
    case .clientClosed: "client-closed"
    case .consentLost: "consent-lost"
    case .fingerprintMismatch: "fingerprint-mismatch"
    case .noExtendedMasterSecret: "no-extended-master-secret"
    case .dtlsFailed: "dtls-failed"
    case .neverConnected: "never-connected"
    case .shuttingDown: "shutting-down"
    case .backendFinished: "backend-finished"
    case .backendFailed: "backend-failed"
    case .tooLong: "too-long"
    }
  }

  /// Every `name` that there is.
  package static let names = [
    SessionEnd.hungUp, .clientClosed, .consentLost, .fingerprintMismatch,
    .noExtendedMasterSecret, .dtlsFailed(""), .neverConnected, .shuttingDown,
    .backendFinished(""), .backendFailed(""), .tooLong,
  ].map(\.name)

  /// What a person needs beside the name; nil when the name says it all.
  package var detail: String? {
    switch self {
    case .dtlsFailed(let reason), .backendFinished(let reason), .backendFailed(let reason): reason
    default: nil
    }
  }
}

/// Something worth a log line.
package enum SessionEvent: Equatable, Sendable {
  /// The first valid connectivity check came by this path.
  case reached(PathID)
  /// DTLS is done and media may flow. Milliseconds since the session was made.
  case connected(PathID, afterMilliseconds: UInt64, profile: String)
  /// A data channel takes events, for the first time in this call.
  case channelOpened(label: String, afterMilliseconds: UInt64)
  /// There are no data channels any more; the call goes on.
  case channelsLost(String, afterMilliseconds: UInt64)
  /// The first protected DTLS record of this call whose tag does not hold; it was dropped.
  case recordForged(PathID, afterMilliseconds: UInt64)
  /// Media moved to another path.
  case moved(PathID)
  /// The session is over; nothing follows.
  case ended(SessionEnd, afterMilliseconds: UInt64)
}
