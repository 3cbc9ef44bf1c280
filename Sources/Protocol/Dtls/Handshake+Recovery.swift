import Wire

// How a handshake goes back over what was forged.

extension Handshake {
  /// `record` killed the handshake: back to where it stood before.
  ///
  /// The record may be forged; or honest, and what killed the handshake is a forged fragment that
  /// came before; or a whole forged message did. Tried in this order, each at the next death.
  mutating func recover(from record: UnsafeRawBufferPointer, at now: Instant) {
    replay.history.noteDeath()
    guard replay.history.hasFragments, replay.history.deaths <= 2 else {
      if replay.history.deaths >= 2 { replay.history.dropSinceFlight() }
      _ = goBack(at: now)
      return
    }
    let fragments = replay.history.dropFragments()
    guard goBack(at: now) else { return }
    let before = connection.expected
    let lives = unsafe connection.feed(record) != .fatal
    if lives && (connection.expected != before || replay.history.deaths > 1) {
      unsafe replay.history.append(record)
      if connection.expected != before { noteMessage(at: now) }
      return settle(connection.drive(), at: now)
    }
    replay.history.restore(fragments)
    _ = goBack(at: now)
  }

  /// The peer repeats what we took, and that may show that something forged was taken. True when
  /// the handshake went back, and `record` may now be what it waits for.
  mutating func rewind(
    over record: UnsafeRawBufferPointer, _ verdict: DtlsRecordFilter.Verdict, at now: Instant
  ) -> Bool {
    guard replay.isAffordable(at: now), repetitions.areHeeded(at: now),
      unsafe replay.history.contains(record)
    else { return false }
    let isOfMessage = if case .pass = verdict { true } else { false }
    let rewind = repetitions.note(
      isOfMessage: isOfMessage, expecting: connection.expected, &replay.history, at: now)
    switch rewind {
    case .message: _ = replay.history.dropFragments()
    case .handshake: replay.history.dropAll()
    case nil: return false
    }
    return goBack(at: now)
  }

  /// A certificate that matches no fingerprint: is it the peer's own? Tried as soon as what tells
  /// may be there, the certificate and a message signed with its key.
  mutating func tryDoubted(at now: Instant) {
    guard outcome == nil, !isResting, doubt.isWorthTrial else { return }
    let isProven = doubt.tryCertificate(on: &replay, connection, filter, early: early)
    _ = goBack(at: now)
    guard outcome == nil, isProven else { return }
    // What came early is of the same maker.
    early = EarlyRecords()
    doubt.noteProven(at: now)
  }

  /// Replaces the handshake by a fresh one that stands where the history leads. False when that has
  /// to wait or cannot be.
  mutating func goBack(at now: Instant) -> Bool {
    switch replay.replay(at: now) {
    case .stands:
      flight.noteReplay(of: connection, at: now)
      return true
    case .rests:
      flight.stop()
      return false
    case .isImpossible:
      fail(.associationFailed)
      return false
    }
  }
}
