internal import Wire

/// What a peer says of itself in INIT or INIT ACK (RFC 9260, section 3.3.2).
struct PeerOffer: Equatable {
  var tag: UInt32
  var initialTsn: UInt32
  var windowBytes: UInt32
  /// How many streams the peer wants to send on.
  var outStreams: UInt16
  /// How many it takes.
  var inStreams: UInt16
  var takesForwardTsn = false
  var takesReconfiguration = false
}

/// All that COOKIE ECHO must bring back to make an association, signed (RFC 9260, section 5.1.3):
/// an end that has not started keeps nothing between INIT and COOKIE ECHO.
struct StateCookie {
  static let byteCount = 64
  private static let signedByteCount = 48

  var created: Instant
  var localTag: UInt32
  var localInitialTsn: UInt32
  var peer: PeerOffer
  /// The tags of the association that was there when INIT came; 0 when there was none (section
  /// 5.2.2).
  var tieLocalTag: UInt32 = 0
  var tiePeerTag: UInt32 = 0

  /// The cookie and its tag, `byteCount` bytes.
  func sealed(by secrets: SctpSecrets) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(u64: created.nanoseconds)
    for word in [localTag, localInitialTsn, peer.tag, peer.initialTsn, peer.windowBytes] {
      bytes.append(u32: word)
    }
    bytes.append(u16: peer.outStreams)
    bytes.append(u16: peer.inStreams)
    bytes.append(u32: tieLocalTag)
    bytes.append(u32: tiePeerTag)
    bytes.append(u64: (peer.takesForwardTsn ? 1 : 0) | (peer.takesReconfiguration ? 2 : 0))
    bytes.append(contentsOf: secrets.tag(bytes.raw))
    return bytes
  }

  /// The cookie at `part` of `packet`; nil when this end did not make it.
  init?(in packet: RawSpan, at part: Range<Int>, sealedBy secrets: SctpSecrets) {
    guard part.count == Self.byteCount else { return nil }
    let start = part.lowerBound
    let tag = secrets.tag(packet.extracting(start..<start + Self.signedByteCount))
    var difference: UInt8 = 0
    for (index, byte) in tag.enumerated() {
      difference |= byte ^ packet.u8(at: start + Self.signedByteCount + index)
    }
    guard difference == 0 else { return nil }
    created = Instant(nanoseconds: packet.u64(at: start))
    localTag = packet.u32(at: start + 8)
    localInitialTsn = packet.u32(at: start + 12)
    let flags = packet.u64(at: start + 40)
    peer = PeerOffer(
      tag: packet.u32(at: start + 16), initialTsn: packet.u32(at: start + 20),
      windowBytes: packet.u32(at: start + 24), outStreams: packet.u16(at: start + 28),
      inStreams: packet.u16(at: start + 30), takesForwardTsn: flags & 1 != 0,
      takesReconfiguration: flags & 2 != 0)
    tieLocalTag = packet.u32(at: start + 32)
    tiePeerTag = packet.u32(at: start + 36)
  }

  init(
    created: Instant, localTag: UInt32, localInitialTsn: UInt32, peer: PeerOffer,
    tieLocalTag: UInt32, tiePeerTag: UInt32
  ) {
    self.created = created
    self.localTag = localTag
    self.localInitialTsn = localInitialTsn
    self.peer = peer
    self.tieLocalTag = tieLocalTag
    self.tiePeerTag = tiePeerTag
  }
}
