package import Wire

/// Which end sends the ClientHello: the `active` one (RFC 5763, section 5).
package enum DtlsRole: Sendable {
  case active, passive
}

/// Where a DTLS endpoint stands.
package enum DtlsState: Equatable, Sendable {
  /// `start` has not been called.
  case idle
  /// `start` was called, and there are no keys yet.
  case handshaking
  /// The handshake is finished, the certificate is the one the signalling named, and
  /// `srtpKeys` are there.
  case connected
  /// The handshake is finished and its SRTP keys hold, but OpenSSL has given up on the association:
  /// `send` refuses, no application data comes. The peer can still end it, by an alert under the
  /// keys.
  case associationLost
  /// The handshake or the association is dead; it will send and take nothing more.
  case failed(DtlsFailure)
  /// `close` was called, or the peer said close_notify under the keys.
  case closed

  /// Whether what arrives is read.
  var isAlive: Bool { self == .handshaking || self == .connected || self == .associationLost }
}

/// Why an endpoint failed.
package enum DtlsFailure: Equatable, Sendable {
  /// No end of the handshake within its time.
  case timedOut
  /// The peer holds the key of a certificate that has none of the expected fingerprints (RFC 8122),
  /// and showed no other.
  case fingerprintMismatch
  /// No end within the handshake's time, and what certificates came were refused: they were empty,
  /// or nobody showed that they are the peer's.
  case certificateRefused
  /// The peer does not bind its keys to the handshake, as RFC 7627 wants it.
  case noExtendedMasterSecret
  /// The peer knows no SRTP profile that we know (RFC 5764).
  case noSrtpProfile
  /// The peer ended the association with a fatal alert, under its keys.
  case alertReceived
  /// OpenSSL cannot begin a handshake: memory is short.
  case associationFailed

  /// A clause for a person.
  package var text: String {
    switch self {
    case .timedOut: "the handshake did not end in time"
    case .fingerprintMismatch: "the peer's certificate is another than the signalling names"
    case .certificateRefused: "the peer shows no certificate, or not its own"
    case .noExtendedMasterSecret: "the peer does not bind its keys to the handshake (RFC 7627)"
    case .noSrtpProfile: "the peer knows none of our SRTP profiles (RFC 5764)"
    case .alertReceived: "the peer ended the association with a fatal alert"
    case .associationFailed: "no handshake can be begun: memory is short"
    }
  }
}

/// The SRTP keys that a handshake agreed on (RFC 5764, section 4.2). Never to be printed.
package struct DtlsSrtpKeys: Sendable {
  /// IANA's profile number: 7 AEAD_AES_128_GCM, 1 AES128_CM_HMAC_SHA1_80.
  package var profile: UInt16
  /// Master key and salt, in this order, of what this end sends.
  package var local: [UInt8]
  /// Master key and salt, in this order, of what the peer sends.
  package var remote: [UInt8]
}

/// One end of a DTLS association (RFC 6347) without socket or clock: datagrams and time in,
/// datagrams and the next deadline out. After each `start`, `handle`, `handleTimeout`, `send` or
/// `close`, drain `nextDatagram` and `nextApplicationData`, then look at `state` and `deadline`.
///
/// One thread at a time. May allocate while handshaking; datagrams are not a media path.
package protocol DtlsEndpoint: AnyObject {
  /// Begins the handshake; the active end queues its ClientHello. Only the first call counts.
  func start(at now: Instant)
  /// Takes one datagram that came by a path which ICE validated. Any bytes may come.
  func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant)
  /// To be called when `deadline` has come: sends a flight again or gives up. Also once
  /// connected, as long as the peer may miss the last flight.
  func handleTimeout(at now: Instant)
  /// The peer has sent something under the keys of this handshake (SRTP), so it has all of ours.
  func noteProtectedPacket()
  /// When `handleTimeout` wants to be called; `.never` when no timer runs.
  var deadline: Instant { get }
  /// Writes the next datagram to send into `buffer` (as many bytes as the longest datagram of a
  /// flight, or more) and gives its length; nil when there is none.
  func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int?
  /// Where the endpoint stands.
  var state: DtlsState { get }
  /// A sentence on the last thing that killed a handshake or association, for the log; empty when
  /// nothing did.
  var lastError: String { get }
  /// The SRTP keys; nil unless the handshake has been finished.
  var srtpKeys: DtlsSrtpKeys? { get }
  /// What became of the records that arrived.
  var counters: DtlsCounters { get }
  /// Writes the next application datagram (SCTP) into `buffer` (2,048 bytes or more); nil when
  /// there is none.
  func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int?
  /// Queues one application datagram. False when not connected, empty or over 2,048 bytes.
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool
  /// Ends the association; queues close_notify when there are keys to protect it.
  func close()
}
