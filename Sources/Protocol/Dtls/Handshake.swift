import Wire

/// A handshake from its first hello to the peer's Finished, on a path where anybody may forge.
///
/// Takes the records that the filter lets through, one at a time, and time. When it dies over one
/// it goes back to where it stood (`Handshake+Recovery`). It ends with an `outcome`, which the
/// owner looks at after each call; afterwards it is to be told `end`.
struct Handshake {
  enum Outcome {
    /// Both Finished messages are verified. Who the peer is has still to be seen.
    case finished
    case failed(DtlsFailure)
  }

  let connection: DtlsConnection
  let filter: DtlsRecordFilter
  private let timeoutMilliseconds: UInt64

  /// Nil while it is under way.
  private(set) var outcome: Outcome?
  var replay: HandshakeReplay
  var early = EarlyRecords()
  var doubt: CertificateDoubt
  var repetitions: PeerRepetitions
  var flight: FlightTimer
  private var verifyRequests = VerifyRequests()
  private var missingRequest = MissingRequest()
  /// When it must be over.
  private var endDeadline = Instant.never

  init(_ connection: DtlsConnection, _ configuration: DtlsConfiguration) {
    self.connection = connection
    filter = DtlsRecordFilter(role: configuration.role)
    timeoutMilliseconds = configuration.handshakeTimeoutMilliseconds
    replay = HandshakeReplay(connection, configuration)
    doubt = CertificateDoubt(waitMilliseconds: configuration.wrongCertificateMilliseconds)
    repetitions = PeerRepetitions(configuration)
    flight = FlightTimer(firstTimeoutMilliseconds: configuration.firstTimeoutMilliseconds)
  }

  mutating func start(at now: Instant) {
    endDeadline = now.advanced(byMilliseconds: timeoutMilliseconds)
    guard filter.role == .active else { return }
    verifyRequests.noteHello()
    settle(connection.drive(), at: now)
  }

  /// Forgets what it has read and stops its timers. What came early stays: the association's first
  /// records may be among it.
  mutating func end() {
    endDeadline = .never
    flight.stop()
    replay.end()
    doubt.end()
    missingRequest.end()
  }

  /// What came early and was not due by now is nobody's.
  mutating func forgetEarly() { if !early.isEmpty { early = EarlyRecords() } }

  // MARK: - Records

  /// Killed, and waits for its turn to be put back: nothing is read until then.
  var isResting: Bool { replay.resumeDeadline != .never }

  func judge(_ bytes: Span<UInt8>, at offset: Int = 0) -> DtlsRecordFilter.Verdict {
    filter.judge(
      bytes, at: offset, expecting: connection.expected,
      afterCookie: replay.history.hasVerifyRequest)
  }

  /// False for a HelloVerifyRequest that may be forged, for now.
  mutating func believes(_ record: UnsafeRawBufferPointer) -> Bool {
    guard unsafe DtlsRecordFilter.isVerifyRequest(Span(_unsafeBytes: record)) else { return true }
    return unsafe verifyRequests.isConfirmed(by: record)
  }

  /// Takes a record that the filter lets through.
  mutating func take(
    _ record: UnsafeRawBufferPointer, at now: Instant
  ) -> DtlsConnection.Admission {
    let fragment = unsafe HandshakeFragment(record: Span(_unsafeBytes: record))
    if let fragment, replay.history.contradicts(fragment), replay.isAffordable(at: now) {
      // Of two that contradict each other the later one is believed; an honest peer repeats.
      _ = replay.history.dropFragments()
      guard goBack(at: now) else { return .taken }
    }
    let admission = unsafe connection.give(record)
    if admission == .taken { unsafe read(record, fragment, at: now) }
    return admission
  }

  /// Takes note of a record that is out of place: keeps it when its turn will come.
  mutating func keepEarly(_ record: UnsafeRawBufferPointer, at now: Instant) {
    guard unsafe filter.isEarly(Span(_unsafeBytes: record), for: connection.expected) else {
      return
    }
    unsafe early.keep(record)
    if unsafe filter.isProof(Span(_unsafeBytes: record)) { tryDoubted(at: now) }
  }

  /// Takes out a record that came early and is due now.
  mutating func takeEarly() -> [UInt8]? {
    let (filter, expected) = (filter, connection.expected)
    let afterCookie = replay.history.hasVerifyRequest
    return early.take { filter.passes($0.span, expecting: expected, afterCookie: afterCookie) }
  }

  /// A datagram was read to its end.
  mutating func noteDatagramRead(at now: Instant) {
    missingRequest.note(
      isAwaited: connection.expected == .certificateRequest && !isResting,
      afterCookie: replay.history.hasVerifyRequest, early, filter, at: now)
  }

  // MARK: - Progress

  /// OpenSSL reads a record that it was given.
  private mutating func read(
    _ record: UnsafeRawBufferPointer, _ fragment: HandshakeFragment?, at now: Instant
  ) {
    let before = connection.expected
    let progress = connection.drive()
    if progress == .fatal {
      if connection.hasMismatchedCertificate {
        doubt.begin(over: unsafe replay.history.fragments + [Array(record)])
      }
      unsafe recover(from: record, at: now)
      return tryDoubted(at: now)
    }
    if progress == .pending, connection.expected == .applicationData {
      // OpenSSL waits for something that no peer of ours sends, a session ticket for instance:
      // somebody has promised it.
      return unsafe recover(from: record, at: now)
    }
    if progress == .pending, let fragment, fragment.isWhole, connection.expected == before,
      replay.history.hasFragments
    {
      // A whole message, and it was not read: a forged fragment is in its way.
      return unsafe recover(from: record, at: now)
    }
    unsafe replay.history.append(record)
    if connection.expected != before { noteMessage(at: now) }
    settle(progress, at: now)
  }

  /// A message was read to its end.
  mutating func noteMessage(at now: Instant) {
    replay.history.noteMessage()
    repetitions.noteProgress(at: now)
    // The right certificate has come, if any has.
    if connection.expected.rawValue > DtlsRecordFilter.Expected.certificate.rawValue { doubt.end() }
  }

  /// Takes note of a step that did not kill the handshake.
  mutating func settle(_ progress: DtlsConnection.Progress, at now: Instant) {
    switch progress {
    case .fatal: fail(.associationFailed)
    case .connected: outcome = .finished
    case .pending, .closed:
      if flight.noteStep(of: connection, at: now) { replay.history.noteFlight() }
    }
  }

  mutating func fail(_ failure: DtlsFailure) { outcome = .failed(failure) }

  // MARK: - Time

  var deadline: Instant {
    // Two at a time: with more, `min` makes an array of them.
    let waits = min(replay.resumeDeadline, missingRequest.deadline)
    return min(min(endDeadline, flight.deadline), min(doubt.deadline, waits))
  }

  /// Ends it when its time, or that of a peer with a wrong certificate, is over. True when it did.
  mutating func failOverdue(at now: Instant) -> Bool {
    if now >= endDeadline {
      fail(timeoutFailure)
    } else if now >= doubt.deadline {
      fail(.fingerprintMismatch)
    }
    return outcome != nil
  }

  /// Puts a handshake that rests back when it is its turn. True when it lives again.
  mutating func resume(at now: Instant) -> Bool {
    now >= replay.resumeDeadline && goBack(at: now)
  }

  /// The ServerHelloDone of a server that does not ask for a certificate, when that is to be
  /// believed now.
  mutating func takeUnrequestedDone(at now: Instant) -> [UInt8]? {
    guard now >= missingRequest.deadline else { return nil }
    let done = missingRequest.takeDone(
      from: &early, afterCookie: replay.history.hasVerifyRequest, filter)
    return connection.expected == .certificateRequest ? done : nil
  }

  /// Sends the flight again that waits for its answer, when it is due.
  mutating func repeatFlight(at now: Instant) {
    guard now >= flight.deadline else { return }
    if connection.expected == .serverHello { verifyRequests.noteHello() }
    if connection.fireTimer() == .fatal { return fail(timeoutFailure) }
    flight.backOff(at: now)
  }

  private var timeoutFailure: DtlsFailure {
    connection.hasRefusedCertificate ? .certificateRefused : .timedOut
  }
}
