/// Channels without DCEP: the two ends have agreed on the stream by other means (RFC 8831, section
/// 6.5; `negotiated` in browsers).
extension SctpAssociation {
  /// Makes `stream` a channel without telling the peer; `channelOpened` follows at once. Before the
  /// association is up as well.
  package func openNegotiated(
    stream: UInt16, isOrdered: Bool = true, reliability: SctpReliability = .reliable
  ) -> SctpOpenVerdict {
    switch state {
    case .closed, .cookieWait, .cookieEchoed, .established: break
    default: return .ended
    }
    guard canHoldAnother, canBegin(stream) else {
      counters.refusals &+= 1
      return .tooManyChannels
    }
    begin(stream, isOrdered: isOrdered, reliability: reliability)
    return .opening(stream: stream)
  }

  /// A message on a stream that no channel has: the peer takes it for a channel that was agreed on.
  /// It becomes one, reliable and in order because nothing was said, as long as there is room, and
  /// what is too many is refused like an announced one.
  func beginUnannounced(_ message: InboundMessage) {
    let stream = message.stream
    guard state == .established, PayloadProtocol.isData(message.protocolID), canBegin(stream) else {
      return
    }
    guard canHoldAnother else { return refuse(stream) }
    begin(stream, isOrdered: true, reliability: .reliable)
  }

  /// Whether the stream is free. What comes on one whose channel was refused, and that the peer has
  /// not begun again, is left over from that.
  private func canBegin(_ stream: UInt16) -> Bool {
    channels[stream] == nil && stream < peer?.inStreams ?? .max && stream != .max
      && refusedStreams.count < parameters.refusalCountMax && !refusedStreams.contains(stream)
      && !streamsToReset.contains(stream)
      && reset.pending?.streams.contains(stream) != true
  }

  private func begin(_ stream: UInt16, isOrdered: Bool, reliability: SctpReliability) {
    var description = SctpChannel(
      stream: stream, label: [], subprotocol: [], isOrdered: isOrdered, reliability: reliability,
      isOpenedByPeer: false)
    description.isNegotiated = true
    counters.channelsNegotiated &+= 1
    channels[stream] = Channel(description: description, state: .open)
    post(.channelOpened(description))
  }

  func noteRefused(_ stream: UInt16) {
    if refusedStreams.count < parameters.refusalCountMax { refusedStreams.insert(stream) }
  }
}
