import Backends
import Dtls
import Ice
import Sctp
import Wire

extension CallSession {
  /// The channels begin with the keys.
  func beginChannels(at now: Instant) {
    guard let agreed = parameters.channels else { return }
    channels = CallChannels(
      agreed, parity: parameters.dtlsRole == .active ? .even : .odd, random: &random, at: now)
  }

  /// Takes what DTLS has brought beside its handshake. Without channels it is nobody's.
  func receiveChannelPackets(at now: Instant, into outbox: inout SessionOutbox) {
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.applicationBytesMax, alignment: 8) {
      buffer in
      while end == nil, let length = unsafe dtls.nextApplicationData(into: buffer) {
        dtls.noteProtectedPacket()
        guard let channels else {
          counts.channelDataUnexpected &+= 1
          continue
        }
        let packet = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<length])
        unsafe channels.receive(packet.bytes, at: now)
        heedChannels(at: now, into: &outbox)
      }
    }
  }

  /// OpenSSL has given up on the association. Media has keys of its own and goes on.
  func loseAssociation(at now: Instant, into outbox: inout SessionOutbox) {
    guard counts.dtlsAssociationsLost == 0 else { return }
    counts.dtlsAssociationsLost = 1
    channels?.abandon("DTLS gave up: \(dtls.lastError)")
    heedChannels(at: now, into: &outbox)
  }

  /// The end of each call of the session from outside: what the channels tell is heeded, what they
  /// want to say is sent. Not in the middle of one, where a slot of the outbox may be in use.
  func settleChannels(at now: Instant, into outbox: inout SessionOutbox) {
    guard let channels, channels.pump.isDue, end == nil else { return }
    heedChannels(at: now, into: &outbox)
    pumpChannels(channels, at: now, into: &outbox)
  }

  private func heedChannels(at now: Instant, into outbox: inout SessionOutbox) {
    while end == nil, let news = channels?.nextNews(at: now) {
      switch news {
      case .used(let label): noteOpened(label, at: now, into: &outbox)
      case .opened:
        if party.clients.contains(.channel) { leave(.channel, at: now, into: &outbox) }
        join(.channel, at: now, into: &outbox)
      case .event(let bytes): take(bytes, from: .channel, at: now, into: &outbox)
      case .closed: leave(.channel, at: now, into: &outbox)
      case .lost(let reason):
        outbox.note(.channelsLost(reason, afterMilliseconds: now.milliseconds(since: born)))
        if party.clients.contains(.channel) { leave(.channel, at: now, into: &outbox) }
      }
    }
  }

  /// The first time is worth a log line; a client may open and close as it likes.
  private func noteOpened(
    _ label: [UInt8], at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard !channelWasOpen else { return }
    channelWasOpen = true
    outbox.note(
      .channelOpened(
        label: String(decoding: label.prefix(64), as: UTF8.self),
        afterMilliseconds: now.milliseconds(since: born)))
  }

  private func pumpChannels(
    _ channels: CallChannels, at now: Instant, into outbox: inout SessionOutbox
  ) {
    guard let path = ice.selected else { return }
    var left = min(CallChannels.packetsPerTurnMax, outbox.room)
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.applicationBytesMax, alignment: 8) {
      buffer in
      while left > 0, let length = unsafe channels.nextPacket(into: buffer, at: now) {
        _ = unsafe dtls.send(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        drainDtls(to: path, into: &outbox)
        left -= 1
      }
    }
    channels.pump.noteDone(isDry: left > 0, at: now)
  }

  /// What DTLS carries in one record at most.
  private static let applicationBytesMax = 2_048
}
