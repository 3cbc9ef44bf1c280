package import Wire

/// The timers of an association, each `.never` when it does not run.
struct SctpTimers {
  /// T1-init and T1-cookie.
  var handshake = Instant.never
  /// T2-shutdown.
  var shutdown = Instant.never
  /// T3-rtx of the one path.
  var retransmission = Instant.never
  /// The re-configuration timer (RFC 6525, section 5.1.1).
  var reconfiguration = Instant.never
  var sack = Instant.never
  var heartbeat = Instant.never

  var deadline: Instant {
    min(min(handshake, shutdown, retransmission), min(reconfiguration, sack, heartbeat))
  }
}

extension SctpAssociation {
  /// To be called when `deadline` has come.
  package func handleTimeout(at now: Instant) {
    if timers.handshake <= now { handshakeTimedOut(at: now) }
    if timers.shutdown <= now { shutdownTimedOut(at: now) }
    if timers.retransmission <= now { retransmissionTimedOut(at: now) }
    if timers.reconfiguration <= now { reconfigurationTimedOut(at: now) }
    if timers.heartbeat <= now { heartbeatTimedOut(at: now) }
    if timers.sack <= now {
      timers.sack = .never
      isSackDue = true
    }
    tellRoom()
  }

  private func retransmissionTimedOut(at now: Instant) {
    timers.retransmission = .never
    rto.backOff()
    guard countUnanswered() else { return }
    outbound.handleTimeout(at: now)
    startRetransmissionTimer(at: now)
  }

  /// T3-rtx runs while anything is outstanding.
  func startRetransmissionTimer(at now: Instant) {
    timers.retransmission = outbound.isOutstanding ? rto.deadline(from: now) : .never
  }

  private func reconfigurationTimedOut(at now: Instant) {
    timers.reconfiguration = .never
    if reset.isInProgress {
      reset.isInProgress = false
    } else {
      rto.backOff()
      guard countUnanswered() else { return }
    }
    repeatReset(at: now)
  }

  private func heartbeatTimedOut(at now: Instant) {
    if heartbeat != nil, !countUnanswered() { return }
    let nonce = secrets.next()
    heartbeat = (nonce, now)
    var info: [UInt8] = []
    info.append(u64: nonce)
    var body: [UInt8] = []
    body.append(parameter: 1, info)
    sendSoon([UInt8](chunk: ChunkType.heartbeat, body))
    timers.heartbeat = now.advanced(byMilliseconds: parameters.heartbeatMilliseconds)
  }

  /// One more try without an answer; false when it was the last and the peer is lost.
  func countUnanswered() -> Bool {
    unanswered += 1
    guard unanswered > parameters.retransmissionCountMax else { return true }
    abort(cause: ErrorCause.protocolViolation, loss: .peerUnreachable)
    return false
  }
}
