import Ice
import Rtp
import Srtp
import Voice
import Wire

/// What became of a datagram of media.
enum MediaVerdict: Equatable {
  case taken
  /// A copy of a packet that we had asked for and that had come after all. Nothing is done with it.
  case repeated
  /// Not authentic, or it makes no sense.
  case refused
}

extension CallMedia {
  /// Whether a datagram that SRTP has seen before may be the answer to a request of ours.
  func isRepeated(_ datagram: UnsafeMutableRawBufferPointer) -> Bool {
    guard datagram.count >= RtpHeader.plainByteCount else { return false }
    let bytes = unsafe UnsafeRawBufferPointer(datagram).bytes
    return receiver.mayBeRepeated(ssrc: bytes.u32(at: 8), sequenceNumber: bytes.u16(at: 2))
  }

  /// Writes what is to be asked for at `now` (RR, SDES, NACK); its length, 0 when that is nothing.
  func writeRequest(into output: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
    guard let (request, source) = receiver.takeRequest(at: now) else { return 0 }
    var writer = unsafe ByteWriter(into: output)
    RtcpWriter.nack(from: ssrc, about: source, request: request, name: name, to: &writer)
    return writer.count
  }

  /// What the hearing side tells of itself.
  func addHearing(to figures: inout SessionFigures) {
    let counts = receiver.counts
    figures.packetsRestored = counts.restoredPackets
    figures.packetsRecovered = counts.recoveredPackets
    figures.packetsAskedFor = receiver.askedPackets
    figures.packetsResent = receiver.answeredPackets
    figures.piecesConcealed = counts.concealedPieces
    figures.redMalformed = counts.redMalformed
    figures.debtMilliseconds = UInt64(clamping: receiver.debtMilliseconds)
    figures.quietFramesDropped = counts.quietFramesDropped
  }
}

extension CallSession {
  /// Asks for what is missing, when it is time.
  func askForResends(_ media: CallMedia, at now: Instant, into outbox: inout SessionOutbox) {
    guard media.receiver.requestDeadline <= now, let path = ice.selected,
      let slot = unsafe outbox.slot()
    else { return }
    var length = unsafe media.writeRequest(into: slot, at: now)
    guard length > 0, unsafe media.srtp.protectRtcp(slot, length: &length) == .ok else { return }
    outbox.commit(length: length, to: path, proven: true)
  }
}
