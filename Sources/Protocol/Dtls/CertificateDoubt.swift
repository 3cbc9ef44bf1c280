import Wire

/// A certificate came that matches no fingerprint of the signalling: is it the peer's own, or from
/// somebody who only knows the peer's address?
///
/// A handshake with that certificate is played: who cannot sign its messages, the random numbers of
/// both ends among them, gets no further than to the signature. Of one who can, the right
/// certificate must come within `DtlsConfiguration.wrongCertificateMilliseconds`.
struct CertificateDoubt {
  /// Each costs two handshakes up to the certificate.
  private static let trialsMax = 8

  private let waitMilliseconds: UInt64
  /// The records of the certificate; empty while none is doubted.
  private var records: [[UInt8]] = []
  private var trials = 0

  /// When the handshake ends unless the right certificate has come; `.never` while the wrong one
  /// is not known to be the peer's.
  private(set) var deadline = Instant.never

  init(waitMilliseconds: UInt64) { self.waitMilliseconds = waitMilliseconds }

  /// The handshake died over the certificate in these records.
  mutating func begin(over records: [[UInt8]]) { self.records = records }

  /// Whether a trial may tell something that is not known yet.
  var isWorthTrial: Bool { !records.isEmpty && deadline == .never && trials < Self.trialsMax }

  /// Plays a handshake with the doubted certificate and what came early; true when the certificate
  /// is the signer's. The connection has to be replayed afterwards.
  mutating func tryCertificate(
    on replay: inout HandshakeReplay, _ connection: DtlsConnection, _ filter: DtlsRecordFilter,
    early: EarlyRecords
  ) -> Bool {
    precondition(isWorthTrial, "a trial of a certificate that nobody doubts")
    trials += 1
    connection.tolerateMismatch(true)
    defer { connection.tolerateMismatch(false) }
    return replay.restart() && play(on: connection, filter, replay.history, early)
  }

  /// The certificate is the peer's own: it has some time for the right one.
  mutating func noteProven(at now: Instant) {
    deadline = now.advanced(byMilliseconds: waitMilliseconds)
  }

  /// The right certificate has come, or the handshake is over.
  mutating func end() {
    records = []
    deadline = .never
  }

  private func play(
    on connection: DtlsConnection, _ filter: DtlsRecordFilter, _ history: HandshakeHistory,
    _ early: EarlyRecords
  ) -> Bool {
    for record in records {
      guard unsafe record.withUnsafeBytes({ unsafe connection.feed($0) }) != .fatal else {
        return false
      }
    }
    var waiting = early
    while !filter.isPastProof(connection.expected),
      let record = waiting.take(where: {
        filter.passes(
          $0.span, expecting: connection.expected, afterCookie: history.hasVerifyRequest)
      })
    {
      guard unsafe record.withUnsafeBytes({ unsafe connection.feed($0) }) != .fatal else {
        return false
      }
    }
    return filter.isPastProof(connection.expected)
  }
}
