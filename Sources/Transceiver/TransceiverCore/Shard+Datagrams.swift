import Session
import Token
import Trunk
package import Wire

/// A datagram of the trunk as the runtime hands it in. Its memory stays valid until it was taken
/// whole, and is changed: SRTP is undone in place.
@safe package struct ReceivedTrunkDatagram: BitwiseCopyable {
  /// UDP payload.
  package let bytes: UnsafeMutableRawBufferPointer
  /// Longer than the receive buffer; the rest is lost.
  package let isTruncated: Bool
  /// The relay worker that has sent it.
  package let relay: TransportAddress

  /// The memory stays the caller's.
  package init(bytes: UnsafeMutableRawBufferPointer, isTruncated: Bool, relay: TransportAddress) {
    unsafe self.bytes = bytes
    self.isTruncated = isTruncated
    self.relay = relay
  }
}

// Every trunk datagram ends in exactly one counter of `ShardCounters`, and so does every packet in
// it that reaches no call; of the others their sessions tell.
extension Shard {
  /// How far a datagram was taken.
  package enum Progress {
    /// It is no relay's, not for this shard, or was cut off; it is counted.
    case refused
    case done
    /// The shard has to be drained; then `resume` goes on here.
    case paused(TrunkCursor)
  }

  /// A place in a datagram whose tag held.
  package struct TrunkCursor {
    fileprivate let ingress: UInt16
    fileprivate var offset: Int
  }

  /// Takes a datagram of the trunk. Without a valid tag nothing changes but a counter.
  package mutating func takeDatagram(
    _ datagram: ReceivedTrunkDatagram, at now: Instant
  ) -> Progress {
    guard !datagram.isTruncated else {
      counters.truncated &+= 1
      return .refused
    }
    switch TrunkDatagram.open(
      unsafe UnsafeRawBufferPointer(datagram.bytes).bytes, configuration.trunkKey)
    {
    case .valid(let header):
      guard header.cluster == configuration.cluster,
        header.transceiver == configuration.transceiver, header.kind == .up
      else {
        counters.misdirected &+= 1
        counters.lastMisdirected = header
        return .refused
      }
      counters.bundles &+= 1
      return resume(
        datagram, TrunkCursor(ingress: header.ingress, offset: TrunkHeader.bytes), at: now)
    case .forged: counters.forged &+= 1
    case .short, .unknownVersion, .unknownKind: counters.malformed &+= 1
    }
    return .refused
  }

  /// Goes on with a datagram that was `paused`.
  package mutating func resume(
    _ datagram: ReceivedTrunkDatagram, _ cursor: TrunkCursor, at now: Instant
  ) -> Progress {
    var cursor = cursor
    // Ends: every frame moves the offset on by at least its header.
    while true {
      if needsDrain { return .paused(cursor) }
      switch TrunkDatagram.nextFrame(
        unsafe UnsafeRawBufferPointer(datagram.bytes).bytes, at: cursor.offset)
      {
      case .end: return .done
      case .malformed:
        counters.malformedBundles &+= 1
        return .done
      case .frame(let frame, let payload):
        let path = PathID(
          relay: datagram.relay, ingress: cursor.ingress, listener: frame.listener,
          client: frame.client)
        let packet = unsafe UnsafeMutableRawBufferPointer(
          rebasing: datagram.bytes[payload.offset..<payload.end])
        unsafe deliver(packet, from: path, at: now)
        cursor.offset = payload.end
      }
    }
  }

  /// Gives a client's packet to its call: STUN requests by the ufrag that they name, the rest by
  /// path, the newest call first.
  private mutating func deliver(
    _ packet: UnsafeMutableRawBufferPointer, from path: PathID, at now: Instant
  ) {
    counters.packets &+= 1
    if let ufrag = Self.ufrag(in: unsafe UnsafeRawBufferPointer(packet).bytes) {
      guard let slot = calls.slot(ufrag: ufrag) else {
        counters.unknownUfrag &+= 1
        return
      }
      if unsafe offer(packet, to: slot, from: path, at: now) { calls.learn(path, for: slot) }
      return
    }
    guard let owners = calls.owners(of: path), let first = owners.first else {
      counters.unknownPath &+= 1
      return
    }
    if let second = owners.second {
      unsafe deliver(packet, toEither: (first, second), from: path, at: now)
    } else {
      _ = unsafe offer(packet, to: first, from: path, at: now)
    }
  }

  /// What the first of two calls refuses may be the second's. DTLS is shown to both: a record in
  /// the clear does not say whose it is. Each gets bytes of its own, because undoing SRTP under the
  /// wrong keys spoils a packet.
  private mutating func deliver(
    _ packet: UnsafeMutableRawBufferPointer,
    toEither owners: (first: CallTable.Slot, second: CallTable.Slot), from path: PathID,
    at now: Instant
  ) {
    guard packet.count > 0 else { return }
    let isForBoth = unsafe DatagramKind.classify(firstByte: packet[0]) == .dtls
    unsafe withUnsafeTemporaryAllocation(byteCount: packet.count, alignment: 16) { copy in
      unsafe copy.copyMemory(from: UnsafeRawBufferPointer(packet))
      let isTaken = unsafe offer(packet, to: owners.first, from: path, at: now)
      if isTaken && !isForBoth { return }
      _ = unsafe offer(copy, to: owners.second, from: path, at: now)
    }
  }

  /// Our ufrag in a STUN message's USERNAME; nil for everything that has none.
  private static func ufrag(in bytes: RawSpan) -> RoutingToken? {
    guard !bytes.isEmpty, DatagramKind.classify(firstByte: bytes.u8(at: 0)) == .stun,
      case .message(let message) = StunMessage.parse(bytes),
      let range = message.localUfrag(in: bytes)
    else { return nil }
    return RoutingToken(bytes, at: range.offset, length: range.count)
  }

  private mutating func offer(
    _ packet: UnsafeMutableRawBufferPointer, to slot: CallTable.Slot, from path: PathID,
    at now: Instant
  ) -> Bool {
    let verdict = unsafe calls[slot].session.handle(packet, from: path, at: now, into: &outbox)
    drain(slot, at: now)
    return verdict == .accepted
  }
}
