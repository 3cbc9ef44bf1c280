internal import CDtls
import Wire

extension OpenSslDtls {
  /// `record` killed the handshake: back to where it stood before.
  ///
  /// The record may be forged; or honest, and what killed the handshake is a forged fragment that
  /// came before; or a whole forged message did. Tried in this order, each at the next death.
  func recover(from record: UnsafeRawBufferPointer, at now: Instant) {
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
  func rewind(
    over record: UnsafeRawBufferPointer, _ verdict: DtlsRecordFilter.Verdict, at now: Instant
  ) -> Bool {
    guard state == .handshaking, restarts.isOpen(at: now), rewinds < configuration.rewindsMaximum,
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
  /// that has to wait: then the handshake rests until `resumeDeadline`.
  func replay(at now: Instant) -> Bool {
    guard restarts.take(at: now) else {
      unsafe dtls_connection_drop_output(connection)
      resumeDeadline = restarts.nextAt
      flightDeadline = .never
      return false
    }
    resumeDeadline = .never
    counters.restarts += 1
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
  func tryDoubted(at now: Instant) {
    guard state == .handshaking, resumeDeadline == .never, !doubted.isEmpty,
      wrongCertificateDeadline == .never, trials < Self.trialsMax
    else { return }
    trials += 1
    unsafe dtls_connection_tolerate_mismatch(connection, true)
    let isProven = restart() && playDoubted()
    unsafe dtls_connection_tolerate_mismatch(connection, false)
    _ = replay(at: now)
    guard state == .handshaking, isProven else { return }
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
        if case .pass = judge($0.span) { true } else { false }
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
}
