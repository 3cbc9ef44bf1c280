internal import CDtls
package import Wire

/// `DtlsEndpoint` by OpenSSL: DTLS 1.2, `use_srtp`, certificate by fingerprint.
///
/// Hardened against forged datagrams from the peer's own address. A record filter stands in front;
/// a record that kills the handshake all the same is taken back, by playing the handshake again up
/// to the record before; and no protected record reaches OpenSSL whose tag has not been checked
/// first, so that nothing forged does once the handshake is over. No alert leaves before Finished.
///
/// What forgeries cost: a protected record with a wrong tag one AEAD opening of its bytes, and it
/// takes the rest of its datagram with it, so at most one opening for each datagram; too short ones
/// and replays nothing; those that kill a handshake what `DtlsConfiguration.restartsAtOnce` says.
///
/// If OpenSSL gives up on a finished association all the same, the state is `associationLost`.
@safe package final class OpenSslDtls: DtlsEndpoint {
  private static let receivedDatagramsMax = 64
  private static let timeoutMillisecondsMax: UInt64 = 1000
  /// No peer repeats itself sooner (WebRTC's libraries wait 50 ms or more).
  static let repetitionMilliseconds: UInt64 = 40
  /// A peer that repeats a flight this often has not just missed ours.
  static let repetitionsToDoubt = 4

  private let identity: DtlsIdentity
  let configuration: DtlsConfiguration
  let connection: OpaquePointer
  let filter: DtlsRecordFilter
  var history = HandshakeHistory()
  var early = EarlyRecords()
  var verifyRequests = VerifyRequests()
  /// How often the hello without a cookie has been sent.
  var hellos = 0
  /// The records of a certificate that matched no fingerprint.
  var doubted: [[UInt8]] = []
  var trials = 0
  /// When the handshake ends unless the right certificate has come.
  var wrongCertificateDeadline = Instant.never
  private var received: [[UInt8]] = []
  var restarts: RestartBudget
  /// When a dead handshake may be replaced; `.never` while it lives.
  var resumeDeadline = Instant.never
  /// When a ServerHelloDone without a CertificateRequest before it is believed.
  private var requestDeadline = Instant.never

  package private(set) var state: DtlsState = .idle
  package private(set) var srtpKeys: DtlsSrtpKeys?
  package internal(set) var counters = DtlsCounters()

  private var handshakeDeadline = Instant.never
  var flightDeadline = Instant.never
  var flightTimeoutMilliseconds: UInt64 = 0
  var flightsSeen: UInt32 = 0
  private var lastFlight = LastFlight()
  var rewinds = 0
  var lastProgress = Instant(nanoseconds: 0)

  /// `seed`: 32 secret, fresh random bytes, from which all of this handshake's randomness comes.
  package init(
    identity: DtlsIdentity, configuration: DtlsConfiguration, seed: [UInt8]
  ) throws(DtlsSetupError) {
    precondition(seed.count == Int(DTLS_SEED_BYTES), "a DTLS seed has 32 bytes")
    var options = dtls_options()
    options.active = configuration.role == .active
    options.mtu = UInt16(clamping: configuration.mtu)
    unsafe withUnsafeMutableBytes(of: &options.seed) { unsafe $0.copyBytes(from: seed) }
    options.setFingerprints(configuration.fingerprints)
    options.without_extended_master_secret = !configuration.bindsKeys
    guard let connection = unsafe dtls_connection_create(identity.handle, &options) else {
      throw DtlsSetupError(description: "cannot create a DTLS connection")
    }
    unsafe self.connection = connection
    self.identity = identity
    self.configuration = configuration
    filter = DtlsRecordFilter(role: configuration.role)
    restarts = RestartBudget(
      atOnce: configuration.restartsAtOnce, perSecond: configuration.restartsPerSecond)
  }

  deinit { unsafe dtls_connection_free(connection) }

  package var lastError: String { unsafe String(cString: dtls_connection_error(connection)) }

  package var deadline: Instant {
    // Two at a time: with more, `min` makes an array of them.
    let waits = min(resumeDeadline, requestDeadline)
    return min(min(handshakeDeadline, flightDeadline), min(wrongCertificateDeadline, waits))
  }

  package func start(at now: Instant) {
    guard state == .idle else { return }
    state = .handshaking
    handshakeDeadline = now.advanced(byMilliseconds: configuration.handshakeTimeoutMilliseconds)
    if configuration.role == .active {
      hellos = 1
      settle(unsafe dtls_connection_drive(connection), at: now)
    }
  }

  package func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    let bytes = unsafe Span<UInt8>(_unsafeBytes: datagram)
    var offset = 0
    while offset < bytes.count {
      guard state.isAlive, resumeDeadline == .never else {
        counters.unwanted += 1
        return
      }
      let verdict = judge(bytes, at: offset)
      let record = unsafe UnsafeRawBufferPointer(
        rebasing: datagram[offset..<(offset + verdict.length)])
      if unsafe rewind(over: record, verdict, at: now) { continue }
      offset += verdict.length
      switch verdict {
      case .drop(_, let reason):
        counters.count(reason)
        if reason == .outOfPlace, unsafe filter.isEarly(Span(_unsafeBytes: record), for: expected) {
          unsafe early.keep(record)
          if unsafe filter.isProof(Span(_unsafeBytes: record)) { tryDoubted(at: now) }
        }
      case .pass:
        guard unsafe isBelieved(record) else {
          counters.count(.outOfPlace)
          continue
        }
        let admission = unsafe handleRecord(record, at: now)
        counters.count(admission)
        // Nobody can forge beside what is honest. This bounds what one datagram costs.
        if admission == DTLS_ADMISSION_FORGED { return }
        handleEarlyRecords(at: now)
      }
    }
    noteMissingRequest(at: now)
  }

  package func handleTimeout(at now: Instant) {
    if state == .connected || state == .associationLost, now >= flightDeadline {
      flightDeadline = lastFlight.resend(at: now)
      return
    }
    guard state == .handshaking else { return }
    if now >= handshakeDeadline { return fail(timeoutFailure) }
    if now >= wrongCertificateDeadline { return fail(.fingerprintMismatch) }
    if now >= resumeDeadline, replay(at: now) { handleEarlyRecords(at: now) }
    if now >= requestDeadline { goOnWithoutRequest(at: now) }
    guard state == .handshaking, now >= flightDeadline else { return }
    if expected == .serverHello { hellos += 1 }
    let progress = unsafe dtls_connection_fire_timer(connection)
    if progress == DTLS_PROGRESS_FATAL { return fail(timeoutFailure) }
    flightTimeoutMilliseconds = min(flightTimeoutMilliseconds * 2, Self.timeoutMillisecondsMax)
    flightDeadline = now.advanced(byMilliseconds: flightTimeoutMilliseconds)
  }

  package func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let base = buffer.baseAddress else { return nil }
    if let length = unsafe lastFlight.nextDatagram(into: buffer) { return length }
    let length = unsafe dtls_connection_next_datagram(connection, base, buffer.count)
    guard length > 0 else { return nil }
    unsafe lastFlight.note(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
    return length
  }

  package func noteProtectedPacket() {
    lastFlight = LastFlight()
    if state != .handshaking { flightDeadline = .never }
  }

  package func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    while !received.isEmpty {
      let datagram = received.removeFirst()
      guard datagram.count <= buffer.count else { continue }
      unsafe buffer.copyBytes(from: datagram)
      return datagram.count
    }
    return nil
  }

  package func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard state == .connected, let base = bytes.baseAddress else { return false }
    return unsafe dtls_connection_write(connection, base, bytes.count)
  }

  package func close() {
    if state == .connected { unsafe dtls_connection_shutdown(connection) }
    if case .failed = state { return }
    end(.closed)
  }

  // MARK: - One record

  var expected: DtlsRecordFilter.Expected {
    DtlsRecordFilter.Expected(unsafe dtls_connection_expects(connection))
  }

  func judge(_ bytes: Span<UInt8>, at offset: Int = 0) -> DtlsRecordFilter.Verdict {
    filter.judge(bytes, at: offset, expecting: expected, afterCookie: history.hasVerifyRequest)
  }

  /// False for a HelloVerifyRequest that may be forged, for now.
  private func isBelieved(_ record: UnsafeRawBufferPointer) -> Bool {
    guard unsafe DtlsRecordFilter.isVerifyRequest(Span(_unsafeBytes: record)) else { return true }
    return unsafe verifyRequests.isConfirmed(by: record, hellos: hellos)
  }

  /// Takes a record that the filter lets through.
  private func handleRecord(
    _ record: UnsafeRawBufferPointer, at now: Instant
  ) -> dtls_admission {
    let fragment = unsafe HandshakeFragment(record: Span(_unsafeBytes: record))
    if let fragment, history.contradicts(fragment), restarts.isOpen(at: now) {
      // Of two that contradict each other the later one is believed; an honest peer repeats.
      _ = history.dropFragments()
      guard replay(at: now) else { return DTLS_ADMISSION_TAKEN }
    }
    guard let base = record.baseAddress else { return DTLS_ADMISSION_UNFIT }
    let admission = unsafe dtls_connection_give(connection, base, record.count)
    guard admission == DTLS_ADMISSION_TAKEN else { return admission }
    if state == .handshaking {
      unsafe proceed(with: record, fragment, at: now)
    } else {
      drainAssociation()
    }
    return DTLS_ADMISSION_TAKEN
  }

  /// The handshake reads a record that OpenSSL has been given.
  private func proceed(
    with record: UnsafeRawBufferPointer, _ fragment: HandshakeFragment?, at now: Instant
  ) {
    let before = expected
    let progress = unsafe dtls_connection_drive(connection)
    if progress == DTLS_PROGRESS_FATAL {
      if unsafe dtls_connection_certificate_mismatched(connection) {
        doubted = unsafe history.fragments + [Array(record)]
      }
      unsafe recover(from: record, at: now)
      return tryDoubted(at: now)
    }
    if progress == DTLS_PROGRESS_PENDING, expected == .applicationData {
      // OpenSSL waits for something that no peer of ours sends, a session ticket for instance:
      // somebody has promised it.
      return unsafe recover(from: record, at: now)
    }
    if progress == DTLS_PROGRESS_PENDING, let fragment, fragment.isWhole, expected == before,
      history.hasFragments
    {
      // A whole message, and it was not read: a forged fragment is in its way.
      return unsafe recover(from: record, at: now)
    }
    unsafe history.append(record)
    if expected != before { noteMessage(at: now) }
    settle(progress, at: now)
  }

  /// Hands on what came early and is due now.
  private func handleEarlyRecords(at now: Instant) {
    while state.isAlive, resumeDeadline == .never,
      let record = early.take(where: { if case .pass = judge($0.span) { true } else { false } })
    {
      _ = unsafe record.withUnsafeBytes { unsafe handleRecord($0, at: now) }
    }
    if state == .connected, !early.isEmpty { early = EarlyRecords() }
  }

  // MARK: - A server that does not ask who we are

  /// A server need not ask for a certificate (RFC 5246, section 7.4.4); then its ServerHelloDone
  /// comes a place sooner. But anybody can say that it does not ask, and who believes it wrongly
  /// ends the handshake. So this waits for the request, which the same flight would bring.
  private func noteMissingRequest(at now: Instant) {
    guard expected == .certificateRequest, resumeDeadline == .never,
      early.contains(where: { filter.isDone($0.span, sequence: doneWithoutRequest) })
    else {
      requestDeadline = .never
      return
    }
    if requestDeadline == .never {
      requestDeadline = now.advanced(byMilliseconds: Self.requestMilliseconds)
    }
  }

  private func goOnWithoutRequest(at now: Instant) {
    requestDeadline = .never
    let sequence = doneWithoutRequest
    let done = early.take(where: { filter.isDone($0.span, sequence: sequence) })
    let other = early.take(where: { filter.isDone($0.span, sequence: sequence + 1) })
    // One of the two is forged. Both are forgotten: an honest server repeats itself.
    guard let done, other == nil, expected == .certificateRequest else { return }
    _ = unsafe done.withUnsafeBytes { unsafe handleRecord($0, at: now) }
    handleEarlyRecords(at: now)
  }

  /// The message_seq of a ServerHelloDone that follows the ServerKeyExchange.
  private var doneWithoutRequest: Int { history.hasVerifyRequest ? 4 : 3 }

  /// How long the rest of a flight may take.
  private static let requestMilliseconds: UInt64 = 60

  // MARK: - Progress

  func noteMessage(at now: Instant) {
    history.noteMessage()
    lastProgress = now
    // The right certificate has come, if any has.
    guard expected.rawValue > DtlsRecordFilter.Expected.certificate.rawValue else { return }
    doubted = []
    wrongCertificateDeadline = .never
  }

  /// Gives OpenSSL a record that it has taken before, or one that may kill the handshake.
  func feed(_ record: UnsafeRawBufferPointer) -> dtls_progress {
    guard let base = record.baseAddress,
      unsafe dtls_connection_give(connection, base, record.count) == DTLS_ADMISSION_TAKEN
    else { return DTLS_PROGRESS_PENDING }
    return unsafe dtls_connection_drive(connection)
  }

  /// Takes note of a step that did not kill the handshake.
  func settle(_ progress: dtls_progress, at now: Instant) {
    if progress == DTLS_PROGRESS_FATAL { return fail(.associationFailed) }
    if progress == DTLS_PROGRESS_CONNECTED { return finish(at: now) }
    let flights = unsafe dtls_connection_flights(connection)
    if flights != flightsSeen {
      flightsSeen = flights
      history.noteFlight()
      flightTimeoutMilliseconds = configuration.firstTimeoutMilliseconds
      flightDeadline = now.advanced(byMilliseconds: flightTimeoutMilliseconds)
    }
    if unsafe !dtls_connection_timer_is_armed(connection) { flightDeadline = .never }
  }

  // MARK: - Ends

  private func finish(at now: Instant) {
    guard unsafe dtls_connection_certificate_matches(connection) else {
      return fail(.fingerprintMismatch)
    }
    // Both Finished messages are verified: it is the peer that does not, nobody in between. Without
    // it the keys could be those of another handshake that somebody made alike (RFC 7627, 1).
    guard
      unsafe !configuration.bindsKeys || dtls_connection_has_extended_master_secret(connection)
    else {
      return fail(.noExtendedMasterSecret)
    }
    var masters = dtls_srtp_masters()
    guard unsafe dtls_connection_export_srtp(connection, &masters) else {
      return fail(.noSrtpProfile)
    }
    srtpKeys = DtlsSrtpKeys(masters, role: configuration.role)
    state = .connected
    handshakeDeadline = .never
    // The passive end speaks last, and hears of it when that is lost only by the peer's own timer.
    flightDeadline =
      configuration.role == .passive
      ? lastFlight.begin(configuration.firstTimeoutMilliseconds, at: now) : .never
    history = HandshakeHistory()
    doubted = []
    wrongCertificateDeadline = .never
    requestDeadline = .never
    drainAssociation()
  }

  private func drainAssociation() {
    unsafe withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { buffer in
      while case let count = unsafe dtls_connection_read(
        connection, buffer.baseAddress!, buffer.count), count > 0
      {
        guard received.count < Self.receivedDatagramsMax else { continue }
        received.append(unsafe Array(buffer[..<count]))
      }
    }
    let progress = unsafe dtls_connection_drive(connection)
    // The peer's word, under the keys, is heeded also when OpenSSL can no longer hear it.
    switch unsafe dtls_connection_alert(connection) {
    case DTLS_ALERT_CLOSE: end(.closed)
    case DTLS_ALERT_FATAL: fail(.alertReceived)
    default: if progress == DTLS_PROGRESS_FATAL { loseAssociation() }
    }
  }

  /// What OpenSSL would say last, an alert, would end the peer's side too.
  private func loseAssociation() {
    guard state == .connected else { return }
    unsafe dtls_connection_drop_output(connection)
    state = .associationLost
  }

  private var timeoutFailure: DtlsFailure {
    unsafe dtls_connection_certificate_refused(connection) ? .certificateRefused : .timedOut
  }

  func fail(_ failure: DtlsFailure) {
    unsafe dtls_connection_drop_output(connection)
    end(.failed(failure))
  }

  private func end(_ state: DtlsState) {
    self.state = state
    handshakeDeadline = .never
    flightDeadline = .never
    lastFlight = LastFlight()
    history = HandshakeHistory()
    early = EarlyRecords()
    doubted = []
    wrongCertificateDeadline = .never
    resumeDeadline = .never
    requestDeadline = .never
  }
}

extension DtlsCounters {
  mutating func count(_ reason: DtlsRecordFilter.DropReason) {
    switch reason {
    case .malformed: malformed += 1
    case .alertInClear: alertInClear += 1
    case .implausible: implausible += 1
    case .outOfPlace: outOfPlace += 1
    case .clearAfterHandshake: clearAfterHandshake += 1
    }
  }

  mutating func count(_ admission: dtls_admission) {
    switch admission {
    case DTLS_ADMISSION_TAKEN: passed += 1
    case DTLS_ADMISSION_FORGED: forged += 1
    case DTLS_ADMISSION_REPLAYED: replayed += 1
    case DTLS_ADMISSION_EARLY: outOfPlace += 1
    default: malformed += 1
    }
  }
}
