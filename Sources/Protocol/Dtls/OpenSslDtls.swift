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
///
/// Here is what lives as long as the endpoint: the loop over records, the ends, the association.
/// The handshake is a `Handshake`.
@safe package final class OpenSslDtls: DtlsEndpoint {
  private let configuration: DtlsConfiguration
  private let connection: DtlsConnection
  private var handshake: Handshake
  private var lastFlight = LastFlight()
  private var received = ReceivedData()
  private var records = DtlsCounters()

  /// Where the endpoint stands; it changes only within a call.
  package private(set) var state: DtlsState = .idle
  /// Set when `state` becomes `connected`, and kept to the end (RFC 5764, section 4.2).
  package private(set) var srtpKeys: DtlsSrtpKeys?

  /// An end that has not begun. `seed`: 32 secret, fresh random bytes, from which all of this
  /// handshake's randomness comes. Throws when OpenSSL cannot make a connection: memory is short.
  package init(
    identity: DtlsIdentity, configuration: DtlsConfiguration, seed: [UInt8]
  ) throws(DtlsSetupError) {
    configuration.checkRanges()
    connection = try DtlsConnection(identity: identity, configuration: configuration, seed: seed)
    self.configuration = configuration
    handshake = Handshake(connection, configuration)
  }

  /// OpenSSL's reason, behind a few words on what it was about. Allocates.
  package var lastError: String { connection.error }

  /// What became of the records that arrived, and how often the handshake was replayed.
  package var counters: DtlsCounters {
    var counters = records
    counters.restarts = handshake.replay.count
    return counters
  }

  /// The earliest of the handshake's timers and of the last flight's. Allocates nothing: it is
  /// asked for each packet of media.
  package var deadline: Instant { min(handshake.deadline, lastFlight.deadline) }

  /// Begins the handshake; the active end's ClientHello waits then. Later calls change nothing: an
  /// end begins when it first hears of a path, and may hear of several.
  package func start(at now: Instant) {
    guard state == .idle else { return }
    state = .handshaking
    handshake.start(at: now)
    heedOutcome(at: now)
  }

  /// Does what is due at `now`; nothing when called too soon.
  package func handleTimeout(at now: Instant) {
    if state == .connected || state == .associationLost, now >= lastFlight.deadline {
      lastFlight.resend(at: now)
    }
    guard state == .handshaking else { return }
    if handshake.failOverdue(at: now) { return heedOutcome(at: now) }
    if handshake.resume(at: now) { takeEarlyRecords(at: now) }
    if let done = handshake.takeUnrequestedDone(at: now) {
      _ = unsafe done.withUnsafeBytes { unsafe take($0, at: now) }
      takeEarlyRecords(at: now)
    }
    if state == .handshaking { handshake.repeatFlight(at: now) }
    heedOutcome(at: now)
  }

  /// The peer has our last flight: it is not repeated any more. Allocates nothing.
  package func noteProtectedPacket() { lastFlight = LastFlight() }

  /// Writes the next datagram into `buffer`, of `DtlsConfiguration.mtu` bytes or more: repetitions
  /// of the last flight first, then what OpenSSL wants to say. An application record that is longer
  /// than `buffer` is lost.
  package func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    precondition(buffer.count >= configuration.mtu, "a buffer that a flight does not fit into")
    if let length = unsafe lastFlight.nextDatagram(into: buffer) { return length }
    guard let length = unsafe connection.nextDatagram(into: buffer) else { return nil }
    unsafe lastFlight.note(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
    return length
  }

  /// Writes the oldest of the peer's application datagrams that wait, 64 at most, into `buffer`, of
  /// `DtlsConfiguration.datagramBytesMax` bytes or more.
  package func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    precondition(
      buffer.count >= DtlsConfiguration.datagramBytesMax, "a buffer that a record does not fit into"
    )
    return unsafe received.next(into: buffer)
  }

  /// Queues one application datagram as a record, 37 bytes longer under GCM. False when it is empty
  /// or longer than `DtlsConfiguration.datagramBytesMax`, or the association is not there.
  package func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    unsafe state == .connected && connection.write(bytes)
  }

  /// Ends the association, with close_notify when it is connected; what failed stays failed.
  package func close() {
    if state == .connected { connection.shutDown() }
    if case .failed = state { return }
    end(.closed)
  }

  // MARK: - Records

  /// Takes one datagram, record by record. Any bytes may come; allocates during the handshake.
  package func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    let bytes = unsafe Span<UInt8>(_unsafeBytes: datagram)
    var offset = 0
    while offset < bytes.count {
      guard state.isAlive, !handshake.isResting else {
        records.unwanted += 1
        return
      }
      let verdict = handshake.judge(bytes, at: offset)
      let record = unsafe UnsafeRawBufferPointer(
        rebasing: datagram[offset..<(offset + verdict.length)])
      // Judged anew when the handshake went back: the record may be due now.
      if unsafe rewind(over: record, verdict, at: now) { continue }
      offset += verdict.length
      switch verdict {
      case .drop(_, let reason):
        records.count(reason)
        if reason == .outOfPlace { unsafe keepEarly(record, at: now) }
      case .pass:
        guard unsafe handshake.believes(record) else {
          records.count(.outOfPlace)
          continue
        }
        let admission = unsafe take(record, at: now)
        records.count(admission)
        // Nobody can forge beside what is honest. This bounds what one datagram costs.
        if admission == .forged { return }
        takeEarlyRecords(at: now)
      }
    }
    handshake.noteDatagramRead(at: now)
  }

  private func rewind(
    over record: UnsafeRawBufferPointer, _ verdict: DtlsRecordFilter.Verdict, at now: Instant
  ) -> Bool {
    guard state == .handshaking else { return false }
    defer { heedOutcome(at: now) }
    return unsafe handshake.rewind(over: record, verdict, at: now)
  }

  private func keepEarly(_ record: UnsafeRawBufferPointer, at now: Instant) {
    unsafe handshake.keepEarly(record, at: now)
    heedOutcome(at: now)
  }

  /// Takes a record that the filter lets through.
  private func take(
    _ record: UnsafeRawBufferPointer, at now: Instant
  ) -> DtlsConnection.Admission {
    if state == .handshaking {
      let admission = unsafe handshake.take(record, at: now)
      heedOutcome(at: now)
      return admission
    }
    let admission = unsafe connection.give(record)
    if admission == .taken { drainAssociation() }
    return admission
  }

  /// Takes what came early and is due now.
  private func takeEarlyRecords(at now: Instant) {
    while state.isAlive, !handshake.isResting, let record = handshake.takeEarly() {
      _ = unsafe record.withUnsafeBytes { unsafe take($0, at: now) }
    }
    if state == .connected { handshake.forgetEarly() }
  }

  // MARK: - Ends

  /// Does what the end of the handshake asks for, when it has come.
  private func heedOutcome(at now: Instant) {
    guard state == .handshaking, let outcome = handshake.outcome else { return }
    switch outcome {
    case .finished: finish(at: now)
    case .failed(let failure): fail(failure)
    }
  }

  private func finish(at now: Instant) {
    guard connection.hasExpectedCertificate else { return fail(.fingerprintMismatch) }
    // Both Finished messages are verified: it is the peer that does not, nobody in between. Without
    // it the keys could be those of another handshake that somebody made alike (RFC 7627, 1).
    guard !configuration.bindsKeys || connection.hasExtendedMasterSecret else {
      return fail(.noExtendedMasterSecret)
    }
    guard let keys = connection.exportSrtpKeys() else { return fail(.noSrtpProfile) }
    srtpKeys = keys
    state = .connected
    handshake.end()
    // The passive end speaks last, and hears of it when that is lost only by the peer's own timer.
    if configuration.role == .passive {
      lastFlight.begin(configuration.firstTimeoutMilliseconds, at: now)
    }
    drainAssociation()
  }

  /// Reads what the association has: application data, and the peer's word that it ends.
  private func drainAssociation() {
    received.read(from: connection)
    let progress = connection.drive()
    // The peer's word, under the keys, is heeded also when OpenSSL can no longer hear it.
    switch connection.alert {
    case .close: end(.closed)
    case .fatal: fail(.alertReceived)
    case .none: if progress == .fatal { loseAssociation() }
    }
  }

  /// What OpenSSL would say last, an alert, would end the peer's side too.
  private func loseAssociation() {
    guard state == .connected else { return }
    connection.dropOutput()
    state = .associationLost
  }

  private func fail(_ failure: DtlsFailure) {
    connection.dropOutput()
    end(.failed(failure))
  }

  private func end(_ state: DtlsState) {
    self.state = state
    lastFlight = LastFlight()
    handshake.end()
    handshake.forgetEarly()
  }
}
