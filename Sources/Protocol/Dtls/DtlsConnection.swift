internal import CDtls

/// OpenSSL's end of one handshake and of the association that follows: CDtls in Swift's types.
///
/// Decides nothing. It belongs to one `OpenSslDtls` and is shared by the parts of it, so one thread
/// at a time. No clock: OpenSSL's timer fires when `fireTimer` says so.
@safe final class DtlsConnection {
  /// What became of a record that was given.
  enum Admission {
    /// The next `drive` or `read` reads it.
    case taken
    /// Too long or too short to be a record.
    case unfit
    /// Protected, and the handshake does not read such yet.
    case early
    /// Protected, and its tag does not hold.
    case forged
    /// Protected; its number was used before, or is too old to know.
    case replayed
  }

  /// Where a handshake or association stands after a step.
  enum Progress {
    /// More records or time are needed.
    case pending
    /// Both Finished messages are verified.
    case connected
    /// The peer said close_notify under the keys.
    case closed
    /// The handshake or the association is dead.
    case fatal
  }

  /// The last alert under the keys that is more than a warning.
  enum Alert { case none, close, fatal }

  private let handle: OpaquePointer
  /// Kept alive: OpenSSL makes each fresh handshake from the identity's context.
  private let identity: DtlsIdentity
  private let role: DtlsRole

  /// `seed`: 32 secret, fresh random bytes. Throws what OpenSSL says when it cannot: memory is
  /// short.
  init(
    identity: DtlsIdentity, configuration: DtlsConfiguration, seed: [UInt8]
  ) throws(DtlsSetupError) {
    precondition(seed.count == Int(DTLS_SEED_BYTES), "a DTLS seed has 32 bytes")
    var options = dtls_options()
    options.active = configuration.role == .active
    options.mtu = UInt16(configuration.mtu)
    unsafe withUnsafeMutableBytes(of: &options.seed) { unsafe $0.copyBytes(from: seed) }
    options.setFingerprints(configuration.fingerprints)
    options.without_extended_master_secret = !configuration.bindsKeys
    unsafe handle = try DtlsSetupError.orObject { reason in
      unsafe dtls_connection_create(identity.handle, &options, reason)
    }
    self.identity = identity
    role = configuration.role
  }

  deinit { unsafe dtls_connection_free(handle) }

  /// A sentence on the last fatal error; empty when there was none.
  var error: String { unsafe String(cString: dtls_connection_error(handle)) }

  // MARK: - The handshake

  /// Throws the handshake away and stands at its beginning again, with the same randomness to come.
  /// What was queued is dropped. False when memory is short.
  func restart() -> Bool { unsafe dtls_connection_restart(handle) }

  /// Gives the one record that the next `drive` or `read` reads. A protected one costs an AEAD
  /// opening of its bytes.
  func give(_ record: UnsafeRawBufferPointer) -> Admission {
    guard let base = record.baseAddress else { return .unfit }
    return unsafe Admission(dtls_connection_give(handle, base, record.count))
  }

  /// Lets the handshake read the record that was given, or go on without.
  func drive() -> Progress { unsafe Progress(dtls_connection_drive(handle)) }

  /// Gives a record that has been taken before, or one that may kill the handshake, and drives.
  func feed(_ record: UnsafeRawBufferPointer) -> Progress {
    guard unsafe give(record) == .taken else { return .pending }
    return drive()
  }

  /// What the handshake reads next; `.applicationData` when it is over or dead.
  var expected: DtlsRecordFilter.Expected {
    DtlsRecordFilter.Expected(unsafe dtls_connection_expects(handle))
  }

  /// How often the timer was armed for a new flight since creation; wraps.
  var flights: UInt32 { unsafe dtls_connection_flights(handle) }

  /// Whether a flight waits for its answer.
  var isTimerArmed: Bool { unsafe dtls_connection_timer_is_armed(handle) }

  /// The armed timer is due: queues the flight again. Fatal when OpenSSL gives up.
  func fireTimer() -> Progress { unsafe Progress(dtls_connection_fire_timer(handle)) }

  // MARK: - The peer's certificate

  /// The last fatal error was the peer's certificate: none came, or no fingerprint matches it.
  var hasRefusedCertificate: Bool { unsafe dtls_connection_certificate_refused(handle) }

  /// This handshake died over a certificate that none of the fingerprints matches.
  var hasMismatchedCertificate: Bool { unsafe dtls_connection_certificate_mismatched(handle) }

  /// Whether from the next `restart` on a certificate that no fingerprint matches lets the
  /// handshake go on. Such a handshake is for looking at only.
  func tolerateMismatch(_ tolerates: Bool) {
    unsafe dtls_connection_tolerate_mismatch(handle, tolerates)
  }

  /// The peer's certificate has one of the expected fingerprints (RFC 8122, section 5). False
  /// before it has come.
  var hasExpectedCertificate: Bool { unsafe dtls_connection_certificate_matches(handle) }

  // MARK: - The association

  /// Whether the keys are bound to the handshake (RFC 7627). False before it is over.
  var hasExtendedMasterSecret: Bool { unsafe dtls_connection_has_extended_master_secret(handle) }

  /// The SRTP keys of a finished handshake (RFC 5764, section 4.2); nil when no profile was agreed
  /// on.
  func exportSrtpKeys() -> DtlsSrtpKeys? {
    var masters = dtls_srtp_masters()
    guard unsafe dtls_connection_export_srtp(handle, &masters) else { return nil }
    return DtlsSrtpKeys(masters, role: role)
  }

  /// Writes the next application datagram of the given record and gives its length; nil when there
  /// is no more.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let base = buffer.baseAddress else { return nil }
    let count = unsafe dtls_connection_read(handle, base, buffer.count)
    return count > 0 ? count : nil
  }

  /// Queues one application datagram. False when it cannot be sent.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    return unsafe dtls_connection_write(handle, base, bytes.count)
  }

  /// The last alert that came under the keys.
  var alert: Alert {
    switch unsafe dtls_connection_alert(handle) {
    case DTLS_ALERT_CLOSE: .close
    case DTLS_ALERT_FATAL: .fatal
    default: .none
    }
  }

  /// Queues close_notify.
  func shutDown() { unsafe dtls_connection_shutdown(handle) }

  // MARK: - What goes out

  /// Writes the next datagram to send and gives its length; nil when there is none. One that does
  /// not fit is dropped.
  func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let base = buffer.baseAddress else { return nil }
    let length = unsafe dtls_connection_next_datagram(handle, base, buffer.count)
    return length > 0 ? length : nil
  }

  /// Forgets what waits to be sent.
  func dropOutput() { unsafe dtls_connection_drop_output(handle) }
}

extension DtlsConnection.Admission {
  init(_ admission: dtls_admission) {
    switch admission {
    case DTLS_ADMISSION_TAKEN: self = .taken
    case DTLS_ADMISSION_EARLY: self = .early
    case DTLS_ADMISSION_FORGED: self = .forged
    case DTLS_ADMISSION_REPLAYED: self = .replayed
    default: self = .unfit
    }
  }
}

extension DtlsConnection.Progress {
  init(_ progress: dtls_progress) {
    switch progress {
    case DTLS_PROGRESS_CONNECTED: self = .connected
    case DTLS_PROGRESS_CLOSED: self = .closed
    case DTLS_PROGRESS_FATAL: self = .fatal
    default: self = .pending
    }
  }
}
