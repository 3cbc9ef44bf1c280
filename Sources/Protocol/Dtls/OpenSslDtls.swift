internal import CDtls
package import Wire

/// What an `OpenSslDtls` is made with.
package struct DtlsConfiguration: Sendable {
  package var role: DtlsRole
  /// The peer's certificate must match one of these; the first eight count.
  package var fingerprints: [DtlsFingerprint]
  /// Largest datagram to send, 228...2,048 bytes.
  package var mtu: Int = 1200
  /// The first wait for an answer; each further one is twice as long, up to a second. OpenSSL's
  /// own first wait of a second would make one lost datagram a second's delay.
  package var firstTimeoutMilliseconds: UInt64 = 60
  /// How long the handshake may take.
  package var handshakeTimeoutMilliseconds: UInt64 = 10_000
  /// How often a killed handshake is put back on its feet. Each costs up to 1 ms of CPU.
  package var restartsMaximum: UInt64 = 64
  /// How often a handshake that a peer's repetitions do not bring on is taken back some way.
  package var rewindsMaximum = 8
  /// How long a peer that has shown a wrong certificate to be its own has for the right one.
  package var wrongCertificateMilliseconds: UInt64 = 500
  /// Whether this end does as RFC 7627 says, and wants its peer to. A peer of before it does not:
  /// that is for tests.
  package var bindsKeys = true

  package init(role: DtlsRole, fingerprints: [DtlsFingerprint]) {
    self.role = role
    self.fingerprints = fingerprints
  }
}

/// `DtlsEndpoint` by OpenSSL: DTLS 1.2, `use_srtp`, certificate by fingerprint.
///
/// Hardened against forged datagrams from the peer's own address: a record filter stands in front;
/// and a record that kills the handshake all the same is taken back, by playing the handshake
/// again up to the record before. No alert leaves before Finished.
@safe package final class OpenSslDtls: DtlsEndpoint {
  private static let receivedDatagramsMax = 64
  private static let timeoutMillisecondsMax: UInt64 = 1000
  /// No peer repeats itself sooner (WebRTC's libraries wait 50 ms or more).
  private static let repetitionMilliseconds: UInt64 = 40
  /// A peer that repeats a flight this often has not just missed ours.
  private static let repetitionsToDoubt = 4

  private let identity: DtlsIdentity
  private let configuration: DtlsConfiguration
  private let connection: OpaquePointer
  private let filter: DtlsRecordFilter
  private var history = HandshakeHistory()
  private var early = EarlyRecords()
  private var verifyRequests = VerifyRequests()
  /// How often the hello without a cookie has been sent.
  private var hellos = 0
  /// The records of a certificate that matched no fingerprint.
  private var doubted: [[UInt8]] = []
  private var trials = 0
  /// When the handshake ends unless the right certificate has come.
  private var wrongCertificateDeadline = Instant.never
  private var received: [[UInt8]] = []

  package private(set) var state: DtlsState = .idle
  package private(set) var srtpKeys: DtlsSrtpKeys?
  package private(set) var counters = DtlsCounters()

  private var handshakeDeadline = Instant.never
  private var flightDeadline = Instant.never
  private var flightTimeoutMilliseconds: UInt64 = 0
  private var flightsSeen: UInt32 = 0
  private var lastFlight = LastFlight()
  private var rewinds = 0
  private var lastProgress = Instant(nanoseconds: 0)

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
  }

  deinit { unsafe dtls_connection_free(connection) }

  package var lastError: String { unsafe String(cString: dtls_connection_error(connection)) }

  package var deadline: Instant {
    min(handshakeDeadline, min(flightDeadline, wrongCertificateDeadline))
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
      guard state == .handshaking || state == .connected else {
        counters.unwanted += 1
        return
      }
      let verdict = filter.judge(bytes, at: offset, expecting: expected)
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
        counters.passed += 1
        unsafe handleRecord(record, at: now)
        handleEarlyRecords(at: now)
      }
    }
  }

  package func handleTimeout(at now: Instant) {
    if state == .connected, now >= flightDeadline {
      flightDeadline = lastFlight.resend(at: now)
      return
    }
    guard state == .handshaking else { return }
    if now >= handshakeDeadline { return fail(timeoutFailure) }
    if now >= wrongCertificateDeadline { return fail(.fingerprintMismatch) }
    guard now >= flightDeadline else { return }
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
    if state == .connected { flightDeadline = .never }
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

  private var expected: DtlsRecordFilter.Expected {
    DtlsRecordFilter.Expected(unsafe dtls_connection_expects(connection))
  }

  /// False for a HelloVerifyRequest that may be forged, for now.
  private func isBelieved(_ record: UnsafeRawBufferPointer) -> Bool {
    guard unsafe DtlsRecordFilter.isVerifyRequest(Span(_unsafeBytes: record)) else { return true }
    return unsafe verifyRequests.isConfirmed(by: record, hellos: hellos)
  }

  private func handleRecord(_ record: UnsafeRawBufferPointer, at now: Instant) {
    if state == .connected {
      _ = unsafe feed(record)
      return drainAssociation()
    }
    let fragment = unsafe HandshakeFragment(record: Span(_unsafeBytes: record))
    if let fragment, history.contradicts(fragment) {
      // Of two that contradict each other the later one is believed; an honest peer repeats.
      _ = history.dropFragments()
      guard replay(at: now) else { return }
    }
    let before = expected
    let progress = unsafe feed(record)
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
    while state == .handshaking,
      let record = early.take(where: {
        if case .pass = filter.judge($0.span, at: 0, expecting: expected) { true } else { false }
      })
    {
      unsafe record.withUnsafeBytes { unsafe handleRecord($0, at: now) }
    }
  }

  private func noteMessage(at now: Instant) {
    history.noteMessage()
    lastProgress = now
    // The right certificate has come, if any has.
    guard expected.rawValue > DtlsRecordFilter.Expected.certificate.rawValue else { return }
    doubted = []
    wrongCertificateDeadline = .never
  }

  private func feed(_ record: UnsafeRawBufferPointer) -> dtls_progress {
    guard let base = record.baseAddress,
      unsafe dtls_connection_give(connection, base, record.count)
    else { return DTLS_PROGRESS_PENDING }
    return unsafe dtls_connection_drive(connection)
  }

  /// Takes note of a step that did not kill the handshake.
  private func settle(_ progress: dtls_progress, at now: Instant) {
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

  /// `record` killed the handshake: back to where it stood before.
  ///
  /// The record may be forged; or honest, and what killed the handshake is a forged fragment that
  /// came before; or a whole forged message did. Tried in this order, each at the next death.
  private func recover(from record: UnsafeRawBufferPointer, at now: Instant) {
    history.noteDeath()
    guard history.hasFragments, history.deaths <= 2 else {
      if history.deaths >= 2 { history.dropSinceFlight() }
      _ = replay(at: now)
      return
    }
    let fragments = history.dropFragments()
    guard replay(at: now) else { return }
    let before = expected
    let lives = unsafe feed(record) != DTLS_PROGRESS_FATAL
    if lives && (expected != before || history.deaths > 1) {
      unsafe history.append(record)
      if expected != before { noteMessage(at: now) }
      return settle(unsafe dtls_connection_drive(connection), at: now)
    }
    history.restore(fragments)
    _ = replay(at: now)
  }

  /// The peer repeats what we took. Mostly that is a loss; but it is also how a forged message
  /// shows that was taken for an honest one. A repeated fragment begins its message anew. A client
  /// that has answered a flight and hears it again and again reads it anew. True when the handshake
  /// went back, and `record` may now be what it waits for.
  private func rewind(
    over record: UnsafeRawBufferPointer, _ verdict: DtlsRecordFilter.Verdict, at now: Instant
  ) -> Bool {
    guard state == .handshaking, rewinds < configuration.rewindsMaximum,
      now.milliseconds(since: lastProgress) >= Self.repetitionMilliseconds,
      unsafe history.contains(record)
    else { return false }
    lastProgress = now
    if case .pass = verdict {
      guard history.hasFragments else { return false }
      _ = history.dropFragments()
    } else {
      history.noteRepetition()
      guard configuration.role == .active, expected == .changeCipherSpec || expected == .finished,
        history.repetitions >= Self.repetitionsToDoubt
      else { return false }
      history.dropAll()
    }
    rewinds += 1
    return replay(at: now)
  }

  /// A fresh handshake with the same randomness, fed what the old one had taken well. False when
  /// there have been too many.
  private func replay(at now: Instant) -> Bool {
    counters.restarts += 1
    guard counters.restarts <= configuration.restartsMaximum else {
      fail(
        unsafe dtls_connection_certificate_refused(connection)
          ? .certificateRefused : .tooManyRestarts)
      return false
    }
    guard restart() else {
      fail(.associationFailed)
      return false
    }
    // All of it has been on the wire; what was lost there, the timer repeats.
    unsafe dtls_connection_drop_output(connection)
    flightsSeen = unsafe dtls_connection_flights(connection)
    let isArmed = unsafe dtls_connection_timer_is_armed(connection)
    flightTimeoutMilliseconds = configuration.firstTimeoutMilliseconds
    flightDeadline = isArmed ? now.advanced(byMilliseconds: flightTimeoutMilliseconds) : .never
    return true
  }

  /// True when a fresh handshake stands where the history leads.
  private func restart() -> Bool {
    for attempt in 0..<3 {
      // Only a handshake that took more than the history could keep may die in its own replay.
      if attempt == 1 { history.dropSinceFlight() }
      if attempt == 2 { history.dropAll() }
      guard unsafe dtls_connection_restart(connection) else { return false }
      if configuration.role == .active { _ = unsafe dtls_connection_drive(connection) }
      let died = history.records.contains { record in
        unsafe record.withUnsafeBytes { unsafe feed($0) } == DTLS_PROGRESS_FATAL
      }
      if !died { return true }
    }
    return false
  }

  // MARK: - A wrong certificate

  /// Whether the peer itself has sent the certificate that was refused, or somebody who only knows
  /// its address. A handshake with that certificate is played: who cannot sign its messages, the
  /// random numbers of both ends among them, gets no further than to the signature.
  private func tryDoubted(at now: Instant) {
    guard state == .handshaking, !doubted.isEmpty, wrongCertificateDeadline == .never,
      trials < Self.trialsMax
    else { return }
    trials += 1
    unsafe dtls_connection_tolerate_mismatch(connection, true)
    let isProven = restart() && playDoubted()
    unsafe dtls_connection_tolerate_mismatch(connection, false)
    guard replay(at: now), isProven else { return }
    // What came early is of the same maker.
    early = EarlyRecords()
    wrongCertificateDeadline = now.advanced(
      byMilliseconds: configuration.wrongCertificateMilliseconds)
  }

  /// Plays on with the doubted certificate and what came early; true when it is the signer's.
  private func playDoubted() -> Bool {
    var waiting = early
    for record in doubted {
      guard unsafe record.withUnsafeBytes({ unsafe feed($0) }) != DTLS_PROGRESS_FATAL else {
        return false
      }
    }
    while !filter.isPastProof(expected),
      let record = waiting.take(where: {
        if case .pass = filter.judge($0.span, at: 0, expecting: expected) { true } else { false }
      })
    {
      guard unsafe record.withUnsafeBytes({ unsafe feed($0) }) != DTLS_PROGRESS_FATAL else {
        return false
      }
    }
    return filter.isPastProof(expected)
  }

  /// Each costs two handshakes up to the certificate.
  private static let trialsMax = 8

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
    early = EarlyRecords()
    doubted = []
    wrongCertificateDeadline = .never
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
    switch unsafe dtls_connection_drive(connection) {
    case DTLS_PROGRESS_CLOSED: end(.closed)
    case DTLS_PROGRESS_FATAL: fail(.associationFailed)
    default: break
    }
  }

  private var timeoutFailure: DtlsFailure {
    unsafe dtls_connection_certificate_refused(connection) ? .certificateRefused : .timedOut
  }

  private func fail(_ failure: DtlsFailure) {
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
}
