package import Wire

/// What stands before each client packet in an `up` or `down` datagram:
///
///     padding, 1 zero bit, ended, proven, IPv6, length 11 bits | listener 1 B | port 2 B | address
///
/// Where the padding bit is set there is no frame: what is left of the datagram means nothing. It
/// brings datagrams to one length, so that the kernel can take many at once (UDP_SEGMENT).
///
/// The address is 4 or 16 bytes, so this is 9 bytes for an IPv4 client and 21 for an IPv6 one.
package struct TrunkFrame: Hashable, Sendable, BitwiseCopyable {
  /// Bytes in the longest client packet that a frame can hold.
  @inlinable package static var payloadBytesMax: Int { @_noLocks get { 0x7FF } }

  /// Which of the relay's public addresses and transports the client uses.
  package var listener: UInt8
  /// The client's address as the relay sees it.
  package var client: TransportAddress
  /// Downwards: the client has proved its return path; the relay may re-point its route.
  package var proven: Bool
  /// Downwards: this client's session is over; the relay may forget its route.
  package var ended: Bool

  /// A frame of `listener` for `client`; upwards neither flag means anything.
  @_noLocks @inlinable
  package init(
    listener: UInt8, client: TransportAddress, proven: Bool = false, ended: Bool = false
  ) {
    self.listener = listener
    self.client = client
    self.proven = proven
    self.ended = ended
  }

  /// Bytes that the header takes for this client.
  @inlinable package var headerBytes: Int { @_noLocks get { client.isIPv4 ? 9 : 21 } }

  static var ipv6Bit: UInt16 { @_noLocks get { 0x0800 } }
  static var provenBit: UInt16 { @_noLocks get { 0x1000 } }
  static var endedBit: UInt16 { @_noLocks get { 0x2000 } }
  static var reservedBits: UInt16 { @_noLocks get { 0x4000 } }
  /// In the first byte of a frame.
  static var paddingBit: UInt8 { @_noLocks get { 0x80 } }

  /// Writes the header for a payload of `length` bytes, at most `payloadBytesMax`.
  @_noLocks
  func write(to writer: inout ByteWriter, length: Int) {
    var word = UInt16(truncatingIfNeeded: length)
    if !client.isIPv4 { word |= Self.ipv6Bit }
    if proven { word |= Self.provenBit }
    if ended { word |= Self.endedBit }
    writer.append(u16: word)
    writer.append(u8: listener)
    writer.append(u16: client.port)
    if client.isIPv4 {
      writer.append(u32: client.ipv4)
    } else {
      writer.append(u64: client.high)
      writer.append(u64: client.low)
    }
  }
}
