import Backends
import Dtls
import Ice
import Srtp
package import Wire

extension CallSession {
  /// What became of a client's datagram. The shard asks the next session that knows the path when
  /// this one refuses, so a new call from the port of an old one is not sent to the old.
  package enum Verdict: Equatable, Sendable {
    case accepted
    case refused
  }

  /// Handles one datagram of the client, which came by `path`. May change the bytes (SRTP is undone
  /// in place). Never traps, whatever the bytes are; each ends in one counter of `SessionFigures`.
  package func handle(
    _ datagram: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant,
    into outbox: inout SessionOutbox
  ) -> Verdict {
    guard end == nil, datagram.count > 0 else { return .refused }
    defer { settleChannels(at: now, into: &outbox) }
    switch unsafe DatagramKind.classify(firstByte: datagram[0]) {
    case .stun: return unsafe handleStun(datagram, from: path, at: now, into: &outbox)
    case .dtls: return unsafe handleDtls(datagram, from: path, at: now, into: &outbox)
    case .media: return unsafe handleMedia(datagram, from: path, at: now, into: &outbox)
    case .other:
      counts.unknownKind &+= 1
      return .refused
    }
  }

  private func handleStun(
    _ datagram: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant,
    into outbox: inout SessionOutbox
  ) -> Verdict {
    guard let slot = unsafe outbox.slot() else {
      counts.stunIgnored &+= 1
      return .accepted
    }
    let wasSelected = ice.selected
    let verdict = unsafe ice.handle(
      UnsafeRawBufferPointer(datagram).bytes, from: path, at: now, reply: slot)
    switch verdict {
    case .respond(let length, _):
      counts.stunAccepted &+= 1
      outbox.commit(length: length, to: path, proven: ice.isProven(path))
    case .refuse(let length):
      counts.stunIgnored &+= 1
      outbox.commit(length: length, to: path, proven: ice.isProven(path))
      return .accepted
    case .proofAnswered:
      counts.stunAccepted &+= 1
    case .ignored:
      counts.stunIgnored &+= 1
      return .refused
    }
    notice(wasSelected: wasSelected, at: now, into: &outbox)
    return .accepted
  }

  /// What a valid check may have changed: the first path begins the handshake, a later one moves
  /// media.
  private func notice(
    wasSelected: PathID?, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard let selected = ice.selected, selected != wasSelected else { return }
    if wasSelected == nil {
      outbox.note(.reached(selected))
      party.latency.noteStun(at: now)
      party.backend.begin(at: now)
      drainParty(at: now, into: &outbox)
      startHandshake(at: now, into: &outbox)
    } else {
      outbox.note(.moved(selected))
    }
  }

  private func handleDtls(
    _ datagram: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant,
    into outbox: inout SessionOutbox
  ) -> Verdict {
    // RFC 8445 lets data through on validated pairs only; a ClientHello from elsewhere is a race
    // that an attacker may win (CVE-2023-51443).
    guard ice.isValidated(path) else {
      counts.dtlsFromUnknownPath &+= 1
      return .refused
    }
    counts.dtlsAccepted &+= 1
    ice.noteReceived(datagram.count, from: path)
    let forged = dtls.counters.forged
    unsafe dtls.handle(UnsafeRawBufferPointer(datagram), at: now)
    // Once in a call: more would help only those who forge.
    if forged == 0, dtls.counters.forged > 0 {
      outbox.note(.recordForged(path, afterMilliseconds: now.milliseconds(since: born)))
    }
    pumpDtls(at: now, into: &outbox)
    receiveChannelPackets(at: now, into: &outbox)
    return .accepted
  }

  private func handleMedia(
    _ datagram: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant,
    into outbox: inout SessionOutbox
  ) -> Verdict {
    guard let media, ice.isValidated(path) else {
      counts.mediaUnexpected &+= 1
      return .refused
    }
    ice.noteReceived(datagram.count, from: path)
    switch unsafe receive(datagram, at: now, into: &outbox) {
    case .taken: break
    // Authentic once, but it may be anybody's copy.
    case .repeated: return .accepted
    case .refused:
      counts.mediaRefused &+= 1
      return .refused
    }
    dtls.noteProtectedPacket()
    if ice.noteAuthenticated(path, isNewest: media.srtp.tookNewest, at: now) {
      outbox.note(.moved(path))
    }
    return .accepted
  }
}
