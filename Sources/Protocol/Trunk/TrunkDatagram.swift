package import Wire

/// What became of a datagram that arrived on a trunk socket.
package enum TrunkVerdict: Hashable, Sendable, BitwiseCopyable {
  /// The tag holds (or no key is configured); frames begin at `TrunkHeader.bytes`.
  case valid(TrunkHeader)
  /// Fewer bytes than a header.
  case short
  /// Another version than ours.
  case unknownVersion
  /// A kind that this version does not have.
  case unknownKind
  /// The tag is wrong.
  case forged
}

/// The next step through the frames of a bundle.
package enum TrunkStep: Hashable, Sendable, BitwiseCopyable {
  /// A client packet; go on at `payload.end`.
  case frame(TrunkFrame, payload: ByteRange)
  case end
  /// The rest of the bundle cannot be read. Only a peer with the key and a mistake sends that.
  case malformed
}

/// Reads trunk datagrams. Takes any input; allocates nothing.
package enum TrunkDatagram {
  /// Reads the header and checks the tag.
  @_noLocks
  package static func open(_ bytes: RawSpan, _ key: TrunkKey?) -> TrunkVerdict {
    guard bytes.byteCount >= TrunkHeader.bytes else { return .short }
    let first = bytes.u8(at: 0)
    guard first >> 4 == TrunkHeader.version else { return .unknownVersion }
    guard let kind = TrunkKind.decode(first & 15) else { return .unknownKind }
    if let key {
      let tag = unsafe bytes.withUnsafeBytes { unsafe key.tag($0) }
      guard tag ^ bytes.u64(at: TrunkHeader.tagOffset) == 0 else { return .forged }
    }
    return .valid(
      TrunkHeader(
        kind: kind, cluster: bytes.u16(at: 1),
        transceiver: TransceiverID(rawValue: bytes.u32(at: 2)), ingress: bytes.u16(at: 6)))
  }

  /// Reads the frame at `offset`: first `TrunkHeader.bytes`, then the end of the payload before.
  @_noLocks
  package static func nextFrame(_ bytes: RawSpan, at offset: Int) -> TrunkStep {
    let room = bytes.byteCount - offset
    guard room > 0, bytes.u8(at: offset) & TrunkFrame.paddingBit == 0 else { return .end }
    guard room >= 9 else { return .malformed }
    let word = bytes.u16(at: offset)
    let headerBytes = word & TrunkFrame.ipv6Bit == 0 ? 9 : 21
    let length = Int(word) & TrunkFrame.payloadBytesMax
    // Nor beyond 16 bits, which no datagram reaches.
    guard word & TrunkFrame.reservedBits == 0, headerBytes + length <= room,
      offset + headerBytes + length <= 0xFFFF
    else { return .malformed }
    let client: TransportAddress
    let port = bytes.u16(at: offset + 3)
    if headerBytes == 9 {
      client = TransportAddress(ipv4: bytes.u32(at: offset + 5), port: port)
    } else {
      client = TransportAddress(
        high: bytes.u64(at: offset + 5), low: bytes.u64(at: offset + 13), port: port)
      // An IPv4 client has one spelling, so that it has one route.
      guard !client.isIPv4 else { return .malformed }
    }
    let frame = TrunkFrame(
      listener: bytes.u8(at: offset + 2), client: client,
      proven: word & TrunkFrame.provenBit != 0, ended: word & TrunkFrame.endedBit != 0)
    return .frame(frame, payload: ByteRange(offset: offset + headerBytes, count: length))
  }
}
