import Dtls
package import Sctp
package import Wire

/// A data channel that a caller opens.
package struct CallerChannelOptions: Hashable, Sendable {
  package var label: String
  package var isOrdered = true
  package var reliability = SctpReliability.reliable
  /// The stream, when it is agreed on without DCEP (RFC 8831, section 6.5).
  package var negotiatedStream: UInt16?

  package init(label: String) {
    self.label = label
  }
}

/// What a caller's data channels tell; the number is the channel's place in the options.
package enum CallerChannelEvent: Hashable, Sendable {
  case opened(Int)
  case message(Int, SctpMessageKind, [UInt8])
  case closed(Int)
  /// All of them, and why.
  case lost(SctpLoss)
}

/// A caller's end of the SCTP association inside its DTLS. What it was sent waits inside the
/// association, bounded by its window, until it is asked for.
final class CallerChannels {
  let association: SctpAssociation
  private var streams: [UInt16?] = []
  var pump = SctpPump()

  init(
    _ channels: [CallerChannelOptions], server: AnsweredChannels, isDtlsClient: Bool,
    random: inout SeededRandom, at now: Instant
  ) {
    var parameters = SctpParameters(streamParity: isDtlsClient ? .even : .odd)
    parameters.port = OfferText.channelPort
    parameters.messageBytesMax = OfferText.channelMessageBytesMax
    parameters.peerPort = server.port
    parameters.peerMessageBytesMax = server.messageBytesMax
    association = SctpAssociation(parameters, random: &random)
    association.start(at: now)
    for channel in channels {
      let verdict =
        if let stream = channel.negotiatedStream {
          association.openNegotiated(
            stream: stream, isOrdered: channel.isOrdered, reliability: channel.reliability)
        } else {
          association.open(
            label: channel.label.utf8, isOrdered: channel.isOrdered,
            reliability: channel.reliability)
        }
      if case .opening(let stream) = verdict { streams.append(stream) } else { streams.append(nil) }
    }
  }

  var deadline: Instant { min(association.deadline, pump.resumeAt) }

  func handleTimeout(at now: Instant) {
    if association.deadline <= now { association.handleTimeout(at: now) }
    pump.noteChange()
  }

  func receive(_ packet: RawSpan, at now: Instant) {
    _ = association.handle(packet, at: now)
    pump.noteChange()
  }

  func send(
    _ bytes: [UInt8], _ kind: SctpMessageKind, on channel: Int, at now: Instant
  ) -> SctpSendVerdict {
    guard streams.indices.contains(channel), let stream = streams[channel] else {
      return .noChannel
    }
    pump.noteChange()
    return association.send(bytes, on: stream, kind: kind, at: now)
  }

  func close(_ channel: Int) {
    guard streams.indices.contains(channel), let stream = streams[channel] else { return }
    association.close(stream)
    pump.noteChange()
  }

  func abort() {
    association.abort()
    pump.noteChange()
  }

  func nextEvent() -> CallerChannelEvent? {
    while let event = association.nextEvent() {
      pump.noteChange()
      switch event {
      case .channelOpened(let channel):
        if let index = streams.firstIndex(of: channel.stream) { return .opened(index) }
      case .message(let stream, let kind, let bytes):
        if let index = streams.firstIndex(of: stream) { return .message(index, kind, bytes) }
      case .channelClosed(let stream):
        guard let index = streams.firstIndex(of: stream) else { break }
        streams[index] = nil
        return .closed(index)
      case .associationLost(let loss): return .lost(loss)
      case .associationUp, .sendBufferFree: break
      }
    }
    return nil
  }
}

extension CallClient {
  /// Sends a message on the channel with this place in the options; after it drain
  /// `nextDatagram`. Takes 512 KiB that are not acknowledged, then refuses.
  package func send(
    _ bytes: [UInt8], _ kind: SctpMessageKind = .text, onChannel channel: Int = 0, at now: Instant
  ) -> SctpSendVerdict {
    guard let channels else { return .noChannel }
    defer { pumpChannels(at: now) }
    return channels.send(bytes, kind, on: channel, at: now)
  }

  /// Closes the channel when what was sent on it has arrived.
  package func closeChannel(_ channel: Int = 0, at now: Instant) {
    channels?.close(channel)
    pumpChannels(at: now)
  }

  /// Ends all channels at once with ABORT (RFC 9260, section 9.1); the call goes on.
  package func abortChannels(at now: Instant) {
    channels?.abort()
    pumpChannels(at: now)
  }

  /// The next thing that the data channels tell; nil when there is none. What is not taken closes
  /// the window of the server in the end. After it drain `nextDatagram`.
  package func nextChannelEvent(at now: Instant) -> CallerChannelEvent? {
    defer { pumpChannels(at: now) }
    return channels?.nextEvent()
  }

  func beginChannels(at now: Instant) {
    guard !options.channels.isEmpty, let answer, let server = answer.channels else { return }
    channels = CallerChannels(
      options.channels, server: server, isDtlsClient: !answer.isActive, random: &random, at: now)
  }

  func receiveChannelPackets(at now: Instant) {
    unsafe withUnsafeTemporaryAllocation(byteCount: 2_048, alignment: 8) { buffer in
      while let length = unsafe dtls?.nextApplicationData(into: buffer) {
        let packet = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<length])
        unsafe channels?.receive(packet.bytes, at: now)
      }
    }
  }

  /// Sends what the association has to say, as far as the queue has room.
  func pumpChannels(at now: Instant) {
    guard let channels, channels.pump.isDue, let dtls else { return }
    // One is left for the voice.
    var left = queue.room - 1
    unsafe withUnsafeTemporaryAllocation(byteCount: 2_048, alignment: 8) { buffer in
      while left > 0, let length = unsafe channels.association.nextPacket(into: buffer, at: now) {
        _ = unsafe dtls.send(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        drainDtls()
        left -= 1
      }
    }
    channels.pump.noteDone(isDry: left > 0, at: now)
  }
}
