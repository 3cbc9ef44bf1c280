import Backends
import Dtls
import Ice
import Rtp
import Srtp
import Voice
import Wire

extension CallSession {
  /// DTLS is done: makes the keys and the voice from what it agreed on.
  func beginMedia(at now: Instant, into outbox: inout SessionOutbox) {
    guard let agreed = dtls.srtpKeys, let profile = SrtpProfile(rawValue: agreed.profile),
      let keys = SrtpKeys(profile: profile, local: agreed.local, remote: agreed.remote),
      let srtp = SrtpContext(keys: keys), let path = ice.selected
    else { return finish(.dtlsFailed("no usable SRTP keys"), at: now, into: &outbox) }
    // A finished handshake proves that the client receives where we send.
    ice.noteHandshakeFinished(path, at: now)
    media = CallMedia(
      parameters: parameters, party: party, srtp: srtp, random: &random, at: now)
    party.latency.noteDtls(at: now)
    beginChannels(at: now)
    outbox.note(
      .connected(path, afterMilliseconds: now.milliseconds(since: born), profile: profile.name))
  }

  // MARK: - In

  /// Reports that are heeded of one datagram, and feedback (NACK, transport-wide) beside them;
  /// clients send one of each.
  private static let reportsMax = 4
  private static let feedbackPartsMax = 4

  /// Undoes SRTP and takes the packet in, which ends in a counter unless it is refused.
  func receive(
    _ datagram: UnsafeMutableRawBufferPointer, at now: Instant, into outbox: inout SessionOutbox
  ) -> MediaVerdict {
    guard let media else { return .refused }
    var length = datagram.count
    if isRtcp(unsafe UnsafeRawBufferPointer(datagram).bytes) {
      guard unsafe media.srtp.unprotectRtcp(datagram, length: &length) == .ok else {
        return .refused
      }
      counts.rtcpAccepted &+= 1
      let plain = unsafe UnsafeRawBufferPointer(rebasing: datagram[..<length])
      unsafe receive(rtcp: plain, at: now, into: &outbox)
    } else {
      guard parameters.receivesAudio else { return .refused }
      let status = unsafe media.srtp.unprotectRtp(datagram, length: &length)
      if status == .replayed, unsafe media.isRepeated(datagram) {
        counts.rtpRepeated &+= 1
        return .repeated
      }
      guard status == .ok else { return .refused }
      let plain = unsafe UnsafeRawBufferPointer(rebasing: datagram[..<length])
      guard unsafe media.receive(rtp: plain.bytes, at: now) else { return .refused }
      drainParty(at: now, into: &outbox)
      if counts.rtpAccepted == 0 { party.latency.noteAudioIn(at: now) }
      counts.rtpAccepted &+= 1
      askForResends(media, at: now, into: &outbox)
    }
    return .taken
  }

  private func receive(
    rtcp plain: UnsafeRawBufferPointer, at now: Instant, into outbox: inout SessionOutbox
  ) {
    let bytes = unsafe plain.bytes
    guard let media else { return }
    guard case .compound(let compound) = RtcpCompound.parse(bytes) else {
      counts.rtcpMalformed &+= 1
      return
    }
    var offset = 0
    // One datagram holds dozens of these, each of which makes work.
    var reportsLeft = Self.reportsMax
    var feedbackLeft = Self.feedbackPartsMax
    while let (part, next) = compound.part(of: bytes, at: offset) {
      offset = next
      switch part {
      case .senderReport(let ssrc, let info, let blocks) where reportsLeft > 0:
        reportsLeft -= 1
        media.receiver.noteSenderReport(ssrc: ssrc, info: info, at: now)
        note(blocks, of: bytes, in: media, at: now)
      case .receiverReport(_, let blocks) where reportsLeft > 0:
        reportsLeft -= 1
        note(blocks, of: bytes, in: media, at: now)
      case .nack(let nack) where nack.media == parameters.ssrc && feedbackLeft > 0:
        feedbackLeft -= 1
        answer(nack, of: bytes, at: now, into: &outbox)
      case .transportFeedback(let feedback) where feedbackLeft > 0:
        feedbackLeft -= 1
        media.noteFeedback(feedback, of: bytes, at: now)
      // A BYE ends a source, not the call: another may follow.
      case .senderReport, .receiverReport, .nack, .transportFeedback, .goodbye,
        .sourceDescription, .other:
        break
      }
    }
  }

  /// Takes the report on our voice; a part has one.
  private func note(
    _ blocks: ReportBlocks, of bytes: RawSpan, in media: CallMedia, at now: Instant
  ) {
    for index in 0..<blocks.count {
      let block = blocks.block(index, of: bytes)
      guard block.ssrc == parameters.ssrc else { continue }
      return media.noteReport(block, at: now)
    }
  }

  /// Sends again what the client misses, as far as it is kept and the path is good for it.
  private func answer(
    _ nack: GenericNack, of bytes: RawSpan, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard let media, let path = ice.selected else { return }
    var wanted: [17 of UInt16] = .init(repeating: 0)
    var count = 0
    nack.forEach(of: bytes, limit: 17) { number in
      wanted[count] = number
      count += 1
    }
    for index in 0..<count {
      guard let packet = unsafe media.resend(wanted[index], at: now),
        let slot = unsafe outbox.slot()
      else { continue }
      unsafe slot.copyMemory(from: packet)
      counts.rtpResent &+= 1
      outbox.commit(length: packet.count, to: path, proven: true)
    }
  }

  // MARK: - Out

  /// The audio tick and the report that are due.
  func runMedia(at now: Instant, into outbox: inout SessionOutbox) {
    guard let media else { return }
    while media.ticks.next <= now {
      sendTick(media, at: now, into: &outbox)
      media.ticks.advance(at: now)
    }
    askForResends(media, at: now, into: &outbox)
    if media.nextReport <= now { sendReport(media, at: now, into: &outbox) }
  }

  private func sendTick(_ media: CallMedia, at now: Instant, into outbox: inout SessionOutbox) {
    guard let path = ice.selected, let slot = unsafe outbox.slot() else {
      counts.sendFailed &+= 1
      return
    }
    let number = media.nextSequenceNumber
    var length = unsafe media.tick(into: slot, at: now, budget: &outbox.budget)
    party.notePlayed(at: now)
    drainParty(at: now, into: &outbox)
    guard length > 0 else { return }
    guard unsafe media.srtp.protectRtp(slot, length: &length) == .ok else {
      counts.sendFailed &+= 1
      return
    }
    if counts.rtpSent == 0 { party.latency.noteAudioOut(at: now) }
    counts.rtpSent &+= 1
    let packet = unsafe UnsafeRawBufferPointer(rebasing: slot[..<length])
    unsafe media.history.store(packet.bytes, sequenceNumber: number, at: now)
    outbox.commit(length: length, to: path, proven: true)
  }

  private func sendReport(_ media: CallMedia, at now: Instant, into outbox: inout SessionOutbox) {
    guard let path = ice.selected, let slot = unsafe outbox.slot() else { return }
    var length = unsafe media.writeReport(into: slot, at: now)
    guard unsafe media.srtp.protectRtcp(slot, length: &length) == .ok else { return }
    outbox.commit(length: length, to: path, proven: true)
  }

  /// BYE for our audio, when there are keys to send it under.
  func sendGoodbye(to path: PathID, at now: Instant, into outbox: inout SessionOutbox) {
    guard let media, let slot = unsafe outbox.slot() else { return }
    var length = unsafe media.writeGoodbye(into: slot)
    guard unsafe media.srtp.protectRtcp(slot, length: &length) == .ok else { return }
    outbox.commit(length: length, to: path, proven: true)
  }

  // MARK: - Figures

  /// The session in numbers, at this moment.
  package var figures: SessionFigures {
    var figures = counts
    figures.path = ice.selected
    figures.dtlsForged = dtls.counters.forged
    figures.dtlsReplayed = dtls.counters.replayed
    figures.dtlsRestarts = dtls.counters.restarts
    figures.latency = party.latency.figures
    figures.party = party.backend.figures
    figures.pacerMilliseconds = party.pacer.queuedMilliseconds
    figures.pacerMillisecondsMax = party.pacerMillisecondsMax
    figures.channels = channels?.figures
    figures.setUp = setUpProgress
    guard let media else { return figures }
    figures.packetsLost = Int64(media.receiver.source?.cumulativeLost ?? 0)
    figures.jitterMilliseconds = Double(media.receiver.source?.jitterMicroseconds ?? 0) / 1_000
    figures.roundTripMilliseconds = media.roundTripMicroseconds.map { Double($0) / 1_000 }
    media.addHearing(to: &figures)
    figures.reportedLost = Int64(media.reportedLost)
    figures.encoding = media.encoding
    figures.bufferedMilliseconds = media.heldMilliseconds
    figures.bufferedMillisecondsMax = media.heldMillisecondsMax
    figures.bufferTargetMilliseconds = UInt64(clamping: media.receiver.targetMilliseconds)
    return figures
  }
}
