internal import Wire

/// Streams that start again (RFC 6525): how channels close (RFC 8831, section 6.7).
struct ResetState {
  /// Streams in one request.
  static let streamsMax = 64

  /// The number of this end's next request.
  var nextRequest: UInt32
  /// The request that waits for its response: number and streams.
  var pending: (request: UInt32, streams: [UInt16])?
  /// The peer has answered the pending request with "later".
  var isInProgress = false
  /// Streams of the pending request that the peer uses again already.
  var superseded: Set<UInt16> = []
  /// The number of the peer's next request.
  var nextPeerRequest: UInt32 = 0
  /// What the peer's last request was answered with.
  var lastResult = ResetResult.nothingToDo

  init(nextRequest: UInt32) { self.nextRequest = nextRequest }
}

/// RFC 6525, section 4.4.
enum ResetResult: UInt32 {
  case nothingToDo = 0
  case performed = 1
  case denied = 2
  case wrongNumber = 5
  case inProgress = 6
}

extension SctpAssociation {
  /// Closes a channel. When the peer has begun, what has not left yet never will.
  func close(_ stream: UInt16, isByPeer: Bool) {
    guard let channel = channels[stream], channel.state != .closing else { return }
    channels[stream]?.state = .closing
    partialBytes -= channel.partial.count
    channels[stream]?.partial = []
    if isByPeer { outbound.discardUnsent(stream) }
    streamsToReset.insert(stream)
    if peer?.takesReconfiguration == false { retire(stream) }
  }

  /// Once it is known what the peer can do: closes what was opened on streams that it has not, and
  /// what waits for a reset that it would not understand.
  func closeWhatPeerCannot() {
    guard let peer else { return }
    if !peer.takesReconfiguration {
      for stream in streamsToReset.sorted() { retire(stream) }
    }
    for stream in channels.keys.filter({ $0 >= peer.inStreams }).sorted() {
      outbound.discardUnsent(stream)
      retire(stream)
    }
  }

  /// Forgets a channel without the peer's help.
  private func retire(_ stream: UInt16) {
    streamsToReset.remove(stream)
    tellClosed(stream)
    channels[stream] = nil
    noteRefused(stream)
  }

  private func tellClosed(_ stream: UInt16) {
    guard channels[stream]?.isCloseTold == false else { return }
    channels[stream]?.isCloseTold = true
    post(.channelClosed(stream: stream))
  }

  /// Sends the next request when none is pending: for the streams on which all has arrived.
  func requestReset(at now: Instant) {
    guard !streamsToReset.isEmpty, reset.pending == nil, state == .established else { return }
    let ready = streamsToReset.sorted().filter { !outbound.isBusy($0) }
      .prefix(ResetState.streamsMax)
    guard !ready.isEmpty else { return }
    streamsToReset.subtract(ready)
    reset.pending = (reset.nextRequest, Array(ready))
    reset.nextRequest &+= 1
    repeatReset(at: now)
  }

  /// Sends the pending request, with the same number each time.
  func repeatReset(at now: Instant) {
    guard let (request, streams) = reset.pending else { return }
    var value: [UInt8] = []
    value.append(u32: request)
    value.append(u32: reset.nextPeerRequest &- 1)
    value.append(u32: outbound.nextTsn &- 1)
    for stream in streams { value.append(u16: stream) }
    var body: [UInt8] = []
    body.append(parameter: ParameterType.outgoingReset, value)
    sendSoon([UInt8](chunk: ChunkType.reconfiguration, body))
    timers.reconfiguration = rto.deadline(from: now)
  }

  func takeReconfiguration(_ packet: RawSpan, _ chunk: Chunk, at now: Instant) {
    var walk = ParameterWalk(chunk.body)
    var parameters = 0
    // Two at most (section 3.1); what follows is ignored.
    while parameters < 2, let parameter = walk.next(in: packet) {
      parameters += 1
      takeParameter(packet, parameter, at: now)
    }
    if parameters == 0 || walk.isMalformed { counters.chunksMalformed &+= 1 }
  }

  private func takeParameter(
    _ packet: RawSpan, _ parameter: ParameterWalk.Parameter, at now: Instant
  ) {
    let value = parameter.value
    guard value.count >= 4 else {
      counters.chunksMalformed &+= 1
      return
    }
    let number = packet.u32(at: value.lowerBound)
    switch parameter.type {
    case ParameterType.reconfigurationResponse:
      guard value.count >= 8 else {
        counters.chunksMalformed &+= 1
        return
      }
      takeResponse(number, packet.u32(at: value.lowerBound + 4), at: now)
    case ParameterType.outgoingReset:
      guard value.count >= 12, value.count & 1 == 0 else {
        counters.chunksMalformed &+= 1
        return
      }
      respond(to: number) { takeOutgoingReset(packet, value) }
    case ParameterType.addOutgoing:
      // All 65,535 are taken from the start.
      respond(to: number) { .performed }
    case ParameterType.incomingReset, ParameterType.wholeReset, ParameterType.addIncoming:
      respond(to: number) { .denied }
    default: counters.chunksUnknown &+= 1
    }
  }

  /// Answers a request: a new one by doing it, the last one again with what it was answered with,
  /// unless it was too early then.
  private func respond(to number: UInt32, _ perform: () -> ResetResult) {
    let result: ResetResult
    if number == reset.nextPeerRequest {
      result = perform()
      reset.nextPeerRequest &+= 1
      reset.lastResult = result
    } else if number == reset.nextPeerRequest &- 1 {
      if reset.lastResult == .inProgress { reset.lastResult = perform() }
      result = reset.lastResult
    } else {
      result = .wrongNumber
    }
    var value: [UInt8] = []
    value.append(u32: number)
    value.append(u32: result.rawValue)
    var body: [UInt8] = []
    body.append(parameter: ParameterType.reconfigurationResponse, value)
    sendSoon([UInt8](chunk: ChunkType.reconfiguration, body))
  }

  /// The peer's streams start again, when everything before has arrived (section 5.2.2).
  private func takeOutgoingReset(_ packet: RawSpan, _ value: Range<Int>) -> ResetResult {
    let last = packet.u32(at: value.lowerBound + 8)
    if last.isAfter(inbound.cumulativeTsn) { return .inProgress }
    var streams: [UInt16] = []
    for offset in stride(from: value.lowerBound + 12, to: value.upperBound, by: 2) {
      streams.append(packet.u16(at: offset))
    }
    // None named means all of them.
    for stream in streams.isEmpty ? Array(channels.keys).sorted() : streams {
      inbound.forget(stream)
      refusedStreams.remove(stream)
      guard channels[stream] != nil else { continue }
      channels[stream]?.isIncomingReset = true
      close(stream, isByPeer: true)
      tellClosed(stream)
      freeWhenDone(stream)
    }
    return .performed
  }

  private func takeResponse(_ number: UInt32, _ result: UInt32, at now: Instant) {
    guard let (request, streams) = reset.pending, request == number else {
      counters.chunksOutOfPlace &+= 1
      return
    }
    unanswered = 0
    reset.isInProgress = result == ResetResult.inProgress.rawValue
    if reset.isInProgress { return }
    let done = Set(streams).subtracting(reset.superseded)
    reset.pending = nil
    reset.superseded = []
    timers.reconfiguration = .never
    // Whatever the answer is, there is nothing else to try: this end is done with the streams.
    for stream in done {
      outbound.restart(stream)
      channels[stream]?.isOutgoingReset = true
      freeWhenDone(stream)
    }
  }

  /// A new channel on a stream whose end waits for the peer's response only: the peer has done its
  /// part, and the response is lost or late.
  func supersedeReset(of stream: UInt16) {
    guard let channel = channels[stream], channel.isIncomingReset,
      reset.pending?.streams.contains(stream) == true
    else { return }
    reset.superseded.insert(stream)
    outbound.restart(stream)
    channels[stream] = nil
  }

  private func freeWhenDone(_ stream: UInt16) {
    guard let channel = channels[stream], channel.isIncomingReset, channel.isOutgoingReset else {
      return
    }
    tellClosed(stream)
    channels[stream] = nil
  }
}
