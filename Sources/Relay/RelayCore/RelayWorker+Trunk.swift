import Trunk
package import Wire

// The way down: what transceivers send. Every path through these functions counts exactly one
// counter of the group `trunk` for the datagram, and one of the group `frame` for each frame.
extension RelayWorker {
  /// Takes a datagram that came to the trunk socket.
  ///
  /// Without a valid tag nothing is sent and nothing changes. Its packets are sent from where they
  /// lie, so its memory must stay valid until `reset`.
  package mutating func takeTrunkDatagram(_ datagram: ReceivedDatagram, at now: Instant) {
    let bytes = unsafe datagram.bytes.bytes
    takeTrunk(datagram, bytes, now)
  }

  @_noLocks
  private mutating func takeTrunk(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ now: Instant
  ) {
    guard !datagram.isTruncated else { return counters.count(.trunkTruncated) }
    switch TrunkDatagram.open(bytes, trunkKey) {
    case .short, .unknownVersion, .unknownKind: counters.count(.trunkMalformed)
    case .forged: counters.count(.trunkForged)
    case .valid(let header): takeTrunk(datagram, bytes, header, now)
    }
  }

  /// The tag holds; what is left to check guards against our own mistakes.
  @_noLocks
  private mutating func takeTrunk(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ header: TrunkHeader, _ now: Instant
  ) {
    guard case .down = header.kind else { return counters.count(.trunkUnexpectedKind) }
    guard header.cluster == cluster, header.ingress == relayID else {
      evidence.otherRelay = Evidence.RelayName(cluster: header.cluster, relayID: header.ingress)
      return counters.count(.trunkMisdirected)
    }
    let speaker = directory.place(of: header.transceiver)
    guard speaker >= 0 else {
      evidence.unknownSpeaker = header.transceiver
      return counters.count(.trunkUnknownTransceiver)
    }
    // With a key the tag says who speaks; without one at least the address has to fit.
    guard trunkKey != nil || datagram.peer.isSame(as: directory.entry(at: speaker).address) else {
      return counters.count(.trunkWrongSource)
    }
    counters.count(.trunkAccepted)
    trafficTable.noteHeard(from: speaker)
    takeFrames(datagram, bytes, UInt16(truncatingIfNeeded: speaker), now)
  }

  @_noLocks
  private mutating func takeFrames(
    _ datagram: ReceivedDatagram, _ bytes: RawSpan, _ speaker: UInt16, _ now: Instant
  ) {
    var offset = TrunkHeader.bytes
    // Ends: every frame moves the offset on by at least its header.
    while true {
      switch TrunkDatagram.nextFrame(bytes, at: offset) {
      case .end: return
      case .malformed: return counters.count(.frameMalformed)
      case .frame(let frame, let payload):
        take(frame, payload, of: datagram, from: speaker, now)
        offset = payload.end
      }
    }
  }

  @_noLocks
  private mutating func take(
    _ frame: TrunkFrame, _ payload: ByteRange, of datagram: ReceivedDatagram,
    from speaker: UInt16, _ now: Instant
  ) {
    guard isReachable(frame) else { return counters.count(.frameMisaddressed) }
    let key = RouteKey(listener: frame.listener, client: frame.client)
    let slot = liveRoute(key, at: now)
    // What has a route was looked at when that was opened.
    guard slot >= 0 || frame.client.isOfHost else { return counters.count(.frameMisaddressed) }
    noteSpeech(frame, key, slot, from: speaker, now)
    guard payload.count > 0 else { return counters.count(.frameNotice) }
    let packet = unsafe UnsafeRawBufferPointer(
      rebasing: datagram.bytes[payload.offset..<payload.end])
    unsafe output.append(
      OutgoingDatagram(bytes: packet, exit: frame.listener, destination: frame.client))
    counters.count(.frameDelivered)
    counters.count(.bytesDown, payload.count)
  }

  /// Whether the frame's listener is ours and sends to addresses like the frame's client.
  @_noLocks
  private func isReachable(_ frame: TrunkFrame) -> Bool {
    listeners.reaches(frame.listener, isIPv4: frame.client.isIPv4)
  }

  /// A transceiver has spoken to a client: that makes, keeps, moves or ends the client's route.
  @_noLocks
  private mutating func noteSpeech(
    _ frame: TrunkFrame, _ key: RouteKey, _ slot: Int, from speaker: UInt16, _ now: Instant
  ) {
    if frame.ended {
      end(key, slot, speaker, now)
    } else if slot < 0 {
      open(key, speaker, now)
    } else {
      switch routes.note(at: slot, speaker: speaker, proven: frame.proven, at: now) {
      case .refreshed, .challenged: break
      case .changedOwner: counters.count(.routeChangedOwner)
      case .ignored: counters.count(.routeChallengeIgnored)
      }
    }
  }

  @_noLocks
  private mutating func end(_ key: RouteKey, _ slot: Int, _ speaker: UInt16, _ now: Instant) {
    if slot >= 0 {
      guard routes.end(at: slot, speaker: speaker, at: now) else { return }
      routes.remove(at: slot)
      counters.count(.routeEnded)
    } else if candidates.owner(of: key, at: now) == Int(speaker) {
      _ = candidates.remove(key, at: now)
    }
  }

  @_noLocks
  private mutating func open(_ key: RouteKey, _ speaker: UInt16, _ now: Instant) {
    guard routes.insert(Route(key: key, owner: speaker, at: now)) else {
      return counters.count(.routeTableFull)
    }
    let wasCandidate = candidates.remove(key, at: now)
    counters.count(wasCandidate ? .routeAssured : .routeLearned)
  }
}

extension TransportAddress {
  /// Equality that the compiler knows to lock nothing.
  @_noLocks
  fileprivate func isSame(as other: TransportAddress) -> Bool {
    low == other.low && port == other.port && high == other.high
  }
}
