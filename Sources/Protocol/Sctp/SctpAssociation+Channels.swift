package import Wire

/// What an end keeps of a channel.
struct Channel {
  enum State {
    /// DATA_CHANNEL_OPEN is on its way; messages must be ordered until it is confirmed (RFC 8832,
    /// section 6).
    case opening
    case open
    /// Nothing is taken any more; both streams have to start again before the ID is free.
    case closing
  }

  var description: SctpChannel
  var state: State
  var isIncomingReset = false
  var isOutgoingReset = false
  /// Whether `channelClosed` was or need not be told.
  var isCloseTold = false
  /// What came of a message in the deprecated partial form.
  var partial: [UInt8] = []
}

/// Channels and their messages (RFC 8831, 8832).
extension SctpAssociation {
  /// Opens a channel; before the association is up as well.
  package func open(
    label: some Collection<UInt8>, subprotocol: some Collection<UInt8> = [UInt8](),
    isOrdered: Bool = true, reliability: SctpReliability = .reliable
  ) -> SctpOpenVerdict {
    switch state {
    case .closed, .cookieWait, .cookieEchoed, .established: break
    default: return .ended
    }
    guard max(label.count, subprotocol.count) <= DcepMessage.nameBytesMax else { return .tooLong }
    guard canHoldAnother, let stream = freeStream() else {
      counters.refusals &+= 1
      return .tooManyChannels
    }
    let open = DcepMessage.Open(
      isOrdered: isOrdered, reliability: reliability, label: Array(label),
      subprotocol: Array(subprotocol))
    guard hasRoom(for: 12 + label.count + subprotocol.count) else { return .full }
    let description = SctpChannel(
      stream: stream, label: open.label, subprotocol: open.subprotocol, isOrdered: isOrdered,
      reliability: reliability, isOpenedByPeer: false)
    channels[stream] = Channel(description: description, state: .opening)
    sendDcep(.open(open), on: stream)
    return .opening(stream: stream)
  }

  /// Queues a message; an empty one travels as one byte under a protocol ID of its own.
  package func send(
    _ bytes: some Collection<UInt8>, on stream: UInt16, kind: SctpMessageKind, at now: Instant
  ) -> SctpSendVerdict {
    switch state {
    case .closed, .cookieWait, .cookieEchoed, .established: break
    default: return .ended
    }
    guard let channel = channels[stream], channel.state != .closing else { return .noChannel }
    guard bytes.count <= sendableBytesMax else { return .tooLong }
    guard hasRoom(for: bytes.count) else { return .full }
    let isEmpty = bytes.isEmpty
    let protocolID =
      switch kind {
      case .text: isEmpty ? PayloadProtocol.stringEmpty : PayloadProtocol.string
      case .binary: isEmpty ? PayloadProtocol.binaryEmpty : PayloadProtocol.binary
      }
    var retransmissionsMax: UInt32?
    var deadline = Instant.never
    switch channel.description.reliability {
    case .reliable: break
    case .retransmissions(let count): retransmissionsMax = count
    case .lifetimeMilliseconds(let time): deadline = now.advanced(byMilliseconds: UInt64(time))
    }
    outbound.append(
      OutgoingMessage(
        stream: stream, protocolID: protocolID, bytes: isEmpty ? [0] : Array(bytes),
        isUnordered: !channel.description.isOrdered && channel.state == .open,
        retransmissionsMax: retransmissionsMax, deadline: deadline))
    counters.messagesSent &+= 1
    counters.messageBytesSent &+= UInt64(bytes.count)
    return .queued
  }

  /// Closes a channel when all that was sent on it has arrived; `channelClosed` follows. Without
  /// effect when there is no such channel or it is closing already.
  package func close(_ stream: UInt16) { close(stream, isByPeer: false) }

  /// The longest message that `send` takes.
  package var sendableBytesMax: Int {
    let own = parameters.sendBufferBytesMax - OutgoingMessage.overheadBytes
    let peers = parameters.peerMessageBytesMax
    return peers == 0 ? own : min(own, peers)
  }

  private func hasRoom(for count: Int) -> Bool {
    let cost = count + OutgoingMessage.overheadBytes
    if outbound.bufferedBytes + cost <= parameters.sendBufferBytesMax { return true }
    counters.refusals &+= 1
    isSendBufferFreeWanted = true
    return false
  }

  /// When messages are acknowledged or given up: whoever was refused may try again.
  func tellRoom() {
    guard isSendBufferFreeWanted, state != .ended,
      outbound.bufferedBytes <= parameters.sendBufferBytesMax / 2
    else { return }
    isSendBufferFreeWanted = false
    post(.sendBufferFree)
  }

  /// The next stream of our parity that no channel uses; they go round, so that an ID is not used
  /// again at once.
  private func freeStream() -> UInt16? {
    let limit = min(UInt32(peer?.inStreams ?? .max), 65_535)
    for _ in 0...parameters.channelCountMax {
      if UInt32(nextOwnStream) >= limit { nextOwnStream = parameters.streamParity.rawValue }
      let stream = nextOwnStream
      guard UInt32(stream) < limit else { return nil }
      nextOwnStream += 2
      if channels[stream] == nil { return stream }
    }
    return nil
  }

  private func sendDcep(_ message: DcepMessage, on stream: UInt16) {
    outbound.append(
      OutgoingMessage(stream: stream, protocolID: PayloadProtocol.dcep, bytes: message.bytes))
  }
}

/// Messages in.
extension SctpAssociation {
  func take(_ message: InboundMessage, at now: Instant) {
    if message.protocolID == PayloadProtocol.dcep {
      return takeDcep(message)
    }
    if channels[message.stream] == nil { beginUnannounced(message) }
    guard let channel = channels[message.stream], channel.state != .closing else {
      return unclaimed(message)
    }
    switch message.protocolID {
    case PayloadProtocol.string: receive(message.bytes, .text, on: message.stream)
    case PayloadProtocol.binary: receive(message.bytes, .binary, on: message.stream)
    case PayloadProtocol.stringEmpty: receive([], .text, on: message.stream)
    case PayloadProtocol.binaryEmpty: receive([], .binary, on: message.stream)
    case PayloadProtocol.stringPartial, PayloadProtocol.binaryPartial:
      takePartial(message)
    default: unclaimed(message)
    }
  }

  private func unclaimed(_ message: InboundMessage) {
    counters.messagesUnclaimed &+= 1
    if channels[message.stream] == nil { inbound.forget(message.stream) }
  }

  private func receive(_ bytes: [UInt8], _ kind: SctpMessageKind, on stream: UInt16) {
    counters.messagesReceived &+= 1
    counters.messageBytesReceived &+= UInt64(bytes.count)
    guard let partial = channels[stream]?.partial, !partial.isEmpty else {
      return post(.message(stream: stream, kind: kind, bytes: bytes))
    }
    channels[stream]?.partial = []
    partialBytes -= partial.count
    post(.message(stream: stream, kind: kind, bytes: partial + bytes))
  }

  /// A part of a message in the way that RFC 8831, section 6.6 deprecates; the last part has the
  /// protocol ID of a whole message.
  private func takePartial(_ message: InboundMessage) {
    channels[message.stream]?.partial.append(contentsOf: message.bytes)
    counters.messageBytesReceived &+= UInt64(message.bytes.count)
    partialBytes += message.bytes.count
    if channels[message.stream]?.partial.count ?? 0 > parameters.messageBytesMax {
      abort(cause: ErrorCause.protocolViolation, loss: .messageTooLong)
    }
  }

  private func takeDcep(_ message: InboundMessage) {
    switch DcepMessage(message.bytes.raw) {
    case .open(let open): takeOpen(open, on: message.stream)
    case .ack: takeAck(on: message.stream)
    case nil:
      unclaimed(message)
      refuse(message.stream)
    }
  }

  private func takeOpen(_ open: DcepMessage.Open, on stream: UInt16) {
    supersedeReset(of: stream)
    let channel = channels[stream]
    let isLate = channel?.description.isNegotiated == true && channel?.state == .open
    guard channel == nil || isLate else {
      // Section 6 of RFC 8832: a stream in use is not opened again, the channel is closed.
      counters.channelsRefused &+= 1
      return close(stream, isByPeer: false)
    }
    guard state == .established, isLate || canHoldAnother, stream != .max,
      outbound.bufferedBytes + 2 * OutgoingMessage.overheadBytes <= parameters.sendBufferBytesMax
    else {
      inbound.forget(stream)
      return refuse(stream)
    }
    let description = SctpChannel(
      stream: stream, label: open.label, subprotocol: open.subprotocol, isOrdered: open.isOrdered,
      reliability: open.reliability, isOpenedByPeer: true)
    if isLate {
      channels[stream]?.description = description
    } else {
      channels[stream] = Channel(description: description, state: .open)
    }
    sendDcep(.ack, on: stream)
    post(.channelOpened(description))
  }

  private func takeAck(on stream: UInt16) {
    guard let channel = channels[stream], channel.state == .opening else {
      counters.messagesUnclaimed &+= 1
      return
    }
    channels[stream]?.state = .open
    post(.channelOpened(channel.description))
  }

  /// Asks for the end of a channel that never began here: its outgoing stream starts again, and
  /// the peer does the same with its own. What nobody follows is bounded like the channels.
  func refuse(_ stream: UInt16) {
    guard channels[stream] == nil else { return close(stream, isByPeer: false) }
    counters.channelsRefused &+= 1
    noteRefused(stream)
    guard peer?.takesReconfiguration == true else { return }
    if streamsToReset.count < parameters.refusalCountMax { streamsToReset.insert(stream) }
  }

  var canHoldAnother: Bool { channels.count < parameters.channelCountMax }
}
